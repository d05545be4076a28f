//! Rows about `format`. Expected values are kube-apiserver's.

use crate::library;
use crate::library::strings::tests::{Row, check};
use crate::value::{List, ListForm, Value};

#[test]
fn formatting() {
    check(FORMATTING);
}

#[rustfmt::skip]
const FORMATTING: &[Row] = &[
    ("format", r#"["plain",[]]"#, r#""plain""#, Some(1)),
    ("format", r#"["%s%%",["x"]]"#, r#""x%""#, Some(1)),
    ("format", r#"["%%%s%%",["x"]]"#, r#""%x%""#, Some(1)),
    ("format", r#"["%s",[]]"#, r#"error: index 0 out of range"#, None),
    ("format", r#"["%",[1]]"#, r#"error: unexpected end of string"#, None),
    ("format", r#"["%",[]]"#, r#"error: index 0 out of range"#, None),
    ("format", r#"["%q",[1]]"#, r#"error: could not parse formatting clause: unrecognized formatting clause "q""#, None),
    ("format", r#"["%é",[1]]"#, r#"error: could not parse formatting clause: unrecognized formatting clause "Ã""#, None),
    ("format", r#"["%.",[1]]"#, r#"error: could not parse formatting clause: error while parsing precision: could not find end of precision specifier"#, None),
    ("format", r#"["%.3",[1]]"#, r#"error: could not parse formatting clause: error while parsing precision: could not find end of precision specifier"#, None),
    ("format", r#"["%.f",[1.0]]"#, r#"error: could not parse formatting clause: error while parsing precision: error while converting precision to integer: strconv.Atoi: parsing "": invalid syntax"#, None),
    ("format", r#"["%.99999999999999999999f",[1.0]]"#, r#"error: could not parse formatting clause: error while parsing precision: error while converting precision to integer: strconv.Atoi: parsing "99999999999999999999": value out of range"#, None),
    ("format", r#"["%d %d",[1]]"#, r#"error: index 1 out of range"#, None),
    ("format", r#"["%s",["a","b"]]"#, r#""a""#, None),
    ("format", r#"["%s %s %s %s",[1,{"$uint":"2"},1.5,true]]"#, r#""1 2 1.5 true""#, None),
    ("format", r#"["%s",[1000000.0]]"#, r#""1e+06""#, Some(1)),
    ("format", r#"["%s",[123456.0]]"#, r#""123456""#, Some(1)),
    ("format", r#"["%s",[1700081020.0]]"#, r#""1.70008102e+09""#, Some(1)),
    ("format", r#"["%s",[1e+21]]"#, r#""1e+21""#, Some(1)),
    ("format", r#"["%s",[0.0001]]"#, r#""0.0001""#, Some(1)),
    ("format", r#"["%s",[1e-05]]"#, r#""1e-05""#, Some(1)),
    ("format", r#"["%s",[-2.5e-09]]"#, r#""-2.5e-09""#, Some(1)),
    ("format", r#"["%s",[{"$double":"NaN"}]]"#, r#""NaN""#, Some(1)),
    ("format", r#"["%s",[{"$double":"Inf"}]]"#, r#""+Inf""#, Some(1)),
    ("format", r#"["%s",[{"$double":"-Inf"}]]"#, r#""-Inf""#, Some(1)),
    ("format", r#"["%s",[100000.0]]"#, r#""100000""#, Some(1)),
    ("format", r#"["%s",[1234567.0]]"#, r#""1.234567e+06""#, Some(1)),
    ("format", r#"["%s",[-0.0]]"#, r#""-0""#, Some(1)),
    ("format", r#"["%s",[null]]"#, r#""null""#, Some(1)),
    ("format", r#"["%s",["é"]]"#, r#""é""#, Some(1)),
    ("format", r#"["%s",[{"$bytes":"78c3a9"}]]"#, r#""xé""#, Some(1)),
    ("format", r#"["%s",[{"$bytes":"ff"}]]"#, r#"error: error during formatting: could not convert argument "invalid UTF-8 in bytes, cannot convert to string" to string"#, Some(1)),
    ("format", r#"["%s",[{"$duration":"1500000000"}]]"#, r#""1.5s""#, Some(1)),
    ("format", r#"["%s",[{"$duration":"-1"}]]"#, r#""-0.000000001s""#, Some(1)),
    ("format", r#"["%s",[{"$duration":"3600000000000"}]]"#, r#""3600s""#, Some(1)),
    ("format", r#"["%s",[{"$timestamp":[0,0]}]]"#, r#""1970-01-01T00:00:00Z""#, Some(1)),
    ("format", r#"["%s",[{"$timestamp":[1700081020,120000000]}]]"#, r#""2023-11-15T20:43:40.12Z""#, Some(1)),
    ("format", r#"["%s",[{"$timestamp":[-1,0]}]]"#, r#""1969-12-31T23:59:59Z""#, Some(1)),
    ("format", r#"["%s",[{"$timestamp":[951782400,0]}]]"#, r#""2000-02-29T00:00:00Z""#, Some(1)),
    ("format", r#"["%s",[{"$timestamp":[4107542399,0]}]]"#, r#""2100-02-28T23:59:59Z""#, Some(1)),
    ("format", r#"["%s",[{"$timestamp":[-62135596800,0]}]]"#, r#""0001-01-01T00:00:00Z""#, Some(1)),
    ("format", r#"["%s",[{"$timestamp":[253402300799,999999999]}]]"#, r#""9999-12-31T23:59:59.999999999Z""#, Some(1)),
    ("format", r#"["%s",[{"$type":"int"}]]"#, r#""int""#, Some(1)),
    ("format", r#"["%s",[["a","b\"\né\u200b\u0001\u007f\ue000"]]]"#, r#""[\"a\", \"b\\\"\\né\\u200b\\x01\\x7f\\ue000\"]""#, Some(1)),
    ("format", r#"["%s",[[1,2.5,true,null,{"$uint":"3"},"x"]]]"#, r#""[1, 2.500000, true, null, 3, \"x\"]""#, None),
    ("format", r#"["%s",[[[1],[2,3]]]]"#, r#""[[1], [2, 3]]""#, Some(1)),
    ("format", r#"["%s",[[]]]"#, r#""[]""#, Some(1)),
    ("format", r#"["%s",[[{"$duration":"1"},{"$duration":"2"}]]]"#, r#""[duration(\"0.000000001s\"), duration(\"0.000000002s\")]""#, Some(1)),
    ("format", r#"["%s",[[{"$timestamp":[1,0]}]]]"#, r#""[timestamp(\"1970-01-01T00:00:01Z\")]""#, Some(1)),
    ("format", r#"["%s",[[{"$bytes":"6162"}]]]"#, r#""[b\"ab\"]""#, Some(1)),
    ("format", r#"["%s",[[{"$double":"NaN"},{"$double":"Inf"},-0.0,1e+300]]]"#, r#""[\"NaN\", \"+Inf\", -0.000000, 1000000000000000052504760255204420248704468581108159154915854115511802457988908195786371375080447864043704443832883878176942523235360430575644792184786706982848387200926575803737830233794788090059368953234970799945081119038967640880074652742780142494579258788820056842838115669472196386865459400540160.000000]""#, None),
    ("format", r#"["%s",[[{"$type":"int"}]]]"#, r#""[int]""#, Some(1)),
    ("format", r#"["%s",[{"b":1,"a":"x","c":[1.5]}]]"#, r#""{\"a\":\"x\", \"b\":1, \"c\":[1.500000]}""#, None),
    ("format", r#"["%s",[{"é\"":null,"z":{"y":2}}]]"#, r#""{\"z\":{\"y\":2}, \"é\\\"\":null}""#, None),
    ("format", r#"["%s",[{}]]"#, r#""{}""#, Some(1)),
    ("format", r#"["%d %d",[-5,{"$uint":"7"}]]"#, r#""-5 7""#, None),
    ("format", r#"["%d",[1.0]]"#, r#"error: error during formatting: decimal clause can only be used on integers, was given double"#, None),
    ("format", r#"["%d",["a"]]"#, r#"error: error during formatting: decimal clause can only be used on integers, was given string"#, None),
    ("format", r#"["%d",[9223372036854775807]]"#, r#""9223372036854775807""#, Some(1)),
    ("format", r#"["%f",[2.71828]]"#, r#""2.718280""#, Some(1)),
    ("format", r#"["%.3f",[1.2345]]"#, r#""1.234""#, Some(1)),
    ("format", r#"["%.0f",[2.5]]"#, r#""2""#, Some(1)),
    ("format", r#"["%.0f",[3.5]]"#, r#""4""#, Some(1)),
    ("format", r#"["%.0f",[0.5]]"#, r#""0""#, Some(1)),
    ("format", r#"["%.1f",[0.25]]"#, r#""0.2""#, Some(1)),
    ("format", r#"["%.2f",[1234567.891]]"#, r#""1,234,567.89""#, Some(1)),
    ("format", r#"["%f",[-1234.5]]"#, r#""-1,234.500000""#, Some(1)),
    ("format", r#"["%f",[999999.9999999]]"#, r#""1,000,000.000000""#, Some(1)),
    ("format", r#"["%f",[0.0]]"#, r#""0.000000""#, Some(1)),
    ("format", r#"["%f",[-0.0]]"#, r#""0.000000""#, Some(1)),
    ("format", r#"["%.2f",[-0.001]]"#, r#""-0.00""#, Some(1)),
    ("format", r#"["%f",[1e+22]]"#, r#""10,000,000,000,000,000,000,000.000000""#, Some(1)),
    ("format", r#"["%f",["NaN"]]"#, r#""NaN""#, Some(1)),
    ("format", r#"["%f",["Infinity"]]"#, r#""∞""#, Some(1)),
    ("format", r#"["%f",["-Infinity"]]"#, r#""-∞""#, Some(1)),
    ("format", r#"["%f",["x"]]"#, r#"error: error during formatting: fixed-point clause can only be used on doubles, was given string"#, Some(1)),
    ("format", r#"["%f",[1]]"#, r#"error: error during formatting: fixed-point clause can only be used on doubles, was given int"#, None),
    ("format", r#"["%.20f",[0.1]]"#, r#""0.10000000000000000555""#, Some(1)),
    ("format", r#"["%.300f",[0.5]]"#, r#""0.50000000000000000000000000000000000000000000""#, Some(1)),
    ("format", r#"["%.256f",[0.0]]"#, r#""0""#, Some(1)),
    ("format", r#"["%.f",[1.0]]"#, r#"error: could not parse formatting clause: error while parsing precision: error while converting precision to integer: strconv.Atoi: parsing "": invalid syntax"#, None),
    ("format", r#"["%.0f",[100.0]]"#, r#""100""#, Some(1)),
    ("format", r#"["%e",[2.71828]]"#, r#""2.718280×10⁰⁰""#, Some(1)),
    ("format", r#"["%.6e",[1052.032911275]]"#, r#""1.052033×10⁰³""#, Some(1)),
    ("format", r#"["%.0e",[5.0]]"#, r#""5.000000×10⁰⁰""#, Some(1)),
    ("format", r#"["%e",[0.0]]"#, r#""0.000000×10⁰⁰""#, Some(1)),
    ("format", r#"["%.2e",[-1.5e-07]]"#, r#""-1.500000×10⁻⁰⁷""#, Some(1)),
    ("format", r#"["%.2e",[9.999e+99]]"#, r#""9.999000×10⁹⁹""#, Some(1)),
    ("format", r#"["%e",[1e-300]]"#, r#""1.000000×10⁻³⁰⁰""#, Some(1)),
    ("format", r#"["%e",["Infinity"]]"#, r#""     ∞""#, Some(1)),
    ("format", r#"["%e",["NaN"]]"#, r#""   NaN""#, Some(1)),
    ("format", r#"["%e",[1]]"#, r#"error: error during formatting: scientific clause can only be used on doubles, was given int"#, None),
    ("format", r#"["%.20e",[0.1]]"#, r#""      1.000000×10⁻⁰¹""#, Some(1)),
    ("format", r#"["%.1e",[0.25]]"#, r#""2.500000×10⁻⁰¹""#, Some(1)),
    ("format", r#"["%.1e",[2.25]]"#, r#""2.250000×10⁰⁰""#, Some(1)),
    ("format", r#"["%.260e",[0.5]]"#, r#""                                                                                                                                                                                                                                                      5.000000×10⁻⁰¹""#, Some(1)),
    ("format", r#"["%.3e",[1e+22]]"#, r#""1.000000×10²²""#, Some(1)),
    ("format", r#"["%.20e",[-1.5]]"#, r#""      -1.500000×10⁰⁰""#, Some(1)),
    ("format", r#"["%.9e",["NaN"]]"#, r#""      NaN""#, Some(1)),
    ("format", r#"["%.300e",[1.5]]"#, r#""                                                                                                                                                                                                                                                                                               1.500000×10⁰⁰""#, Some(1)),
    ("format", r#"["%.400f",[1e-300]]"#, r#""0.0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000010000000000000000250590918352087596856961468077037052499253423199004660431840514846763028121819501009""#, Some(1)),
    ("format", r#"["%b %b %b",[5,-5,{"$uint":"64"}]]"#, r#""101 -101 1000000""#, None),
    ("format", r#"["%b",[true]]"#, r#""1""#, Some(1)),
    ("format", r#"["%b",[1.0]]"#, r#"error: error during formatting: only integers and bools can be formatted as binary, was given double"#, None),
    ("format", r#"["%o %o %o",[11,-11,{"$uint":"65535"}]]"#, r#""13 -13 177777""#, None),
    ("format", r#"["%o",["a"]]"#, r#"error: error during formatting: octal clause can only be used on integers, was given string"#, None),
    ("format", r#"["%x %X %x",[30,-30,{"$uint":"6000"}]]"#, r#""1e -1E 1770""#, None),
    ("format", r#"["%x",["Hello é"]]"#, r#""48656c6c6f20c3a9""#, Some(1)),
    ("format", r#"["%X",[{"$bytes":"00ff"}]]"#, r#""00FF""#, Some(1)),
    ("format", r#"["%x",[1.5]]"#, r#"error: error during formatting: only integers, byte buffers, and strings can be formatted as hex, was given double"#, None),
    ("format", r#"["%x",[true]]"#, r#"error: error during formatting: only integers, byte buffers, and strings can be formatted as hex, was given bool"#, None),
    ("format", r#"["é%sé",["ü"]]"#, r#""éüé""#, Some(1)),
    ("format", r#"["%.5s",["abcdefgh"]]"#, r#""abcdefgh""#, Some(1)),
    ("format", r#"["%5d",[1]]"#, r#"error: could not parse formatting clause: unrecognized formatting clause "5""#, None),
];

#[test]
fn results_are_bounded() {
    let text = Value::string("x".repeat(600_000));
    for (template, args) in [("%s%s", vec![text.clone(), text.clone()]), ("%x", vec![text.clone()])] {
        let args = [Value::string(template), Value::List(List::new(args, ListForm::Values))];
        let error = (library::find("format").unwrap().call)(&args).unwrap_err();
        assert!(error.to_string().ends_with("operation cancelled: actual cost limit exceeded"), "{error}");
    }
    let mut twice = Value::List(List::new(Vec::new(), ListForm::Values));
    for _ in 0..40 {
        twice = Value::List(List::new(vec![twice.clone(), twice], ListForm::Values));
    }
    let args = [Value::string("%s"), Value::List(List::new(vec![twice], ListForm::Values))];
    let error = (library::find("format").unwrap().call)(&args).unwrap_err();
    assert_eq!(error.to_string(), "operation cancelled: actual cost limit exceeded");
}
