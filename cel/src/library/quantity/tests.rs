//! Rows for quantities. Values and costs are those of kube-apiserver 1.36.

use crate::library::kubernetes::tests::{assert_rows, call, evaluate, show};
use crate::value::Value;

#[test]
fn numbers_are_read_as_kubernetes_does() {
    assert_rows(&[
        (r#"quantity("0").asApproximateFloat()"#, "0.0", 2),
        (r#"quantity("1").asApproximateFloat()"#, "1.0", 2),
        (r#"quantity("-1").asApproximateFloat()"#, "-1.0", 2),
        (r#"quantity("+1").asApproximateFloat()"#, "1.0", 2),
        (r#"quantity("1.5").asApproximateFloat()"#, "1.5", 2),
        (r#"quantity("1.").asApproximateFloat()"#, "1.0", 2),
        (r#"quantity("1k").asApproximateFloat()"#, "1000.0", 2),
        (r#"quantity("1M").asApproximateFloat()"#, "1000000.0", 2),
        (r#"quantity("1G").asApproximateFloat()"#, "1000000000.0", 2),
        (r#"quantity("1T").asApproximateFloat()"#, "1000000000000.0", 2),
        (r#"quantity("1P").asApproximateFloat()"#, "1000000000000000.0", 2),
        (r#"quantity("1E").asApproximateFloat()"#, "1e18", 2),
        (r#"quantity("1m").asApproximateFloat()"#, "0.001", 2),
        (r#"quantity("1u").asApproximateFloat()"#, "1e-6", 2),
        (r#"quantity("1n").asApproximateFloat()"#, "1e-9", 2),
        (r#"quantity("1Ki").asApproximateFloat()"#, "1024.0", 2),
        (r#"quantity("1Mi").asApproximateFloat()"#, "1048576.0", 2),
        (r#"quantity("1Gi").asApproximateFloat()"#, "1073741824.0", 2),
        (r#"quantity("1Ti").asApproximateFloat()"#, "1099511627776.0", 2),
        (r#"quantity("1Pi").asApproximateFloat()"#, "1125899906842624.0", 2),
        (r#"quantity("1Ei").asApproximateFloat()"#, "1.152921504606847e18", 2),
        (r#"quantity("-1.5Gi").asApproximateFloat()"#, "-1610612736.0", 2),
        (r#"quantity("0.5Ki").asApproximateFloat()"#, "512.0", 2),
        (r#"quantity("1e3").asApproximateFloat()"#, "1000.0", 2),
        (r#"quantity("1E3").asApproximateFloat()"#, "1000.0", 2),
        (r#"quantity("1e+3").asApproximateFloat()"#, "1000.0", 2),
        (r#"quantity("1e-3").asApproximateFloat()"#, "0.001", 2),
        (r#"quantity("1e4294967297").asApproximateFloat()"#, "10.0", 3),
        (r#"quantity("0001").asApproximateFloat()"#, "1.0", 2),
        (r#"quantity("1.50").asApproximateFloat()"#, "1.5", 2),
        (r#"quantity("123456789012345678").asApproximateFloat()"#, "1.2345678901234568e17", 3),
        (r#"quantity("1234567890123456789").asApproximateFloat()"#, "1.234567890123457e18", 3),
        (r#"quantity("0.123456789").asApproximateFloat()"#, "0.12345678900000001", 3),
        (r#"quantity("0.1234567891").asApproximateFloat()"#, "0.12345679000000001", 3),
        (r#"quantity("-0.1234567891").asApproximateFloat()"#, "-0.12345679000000001", 3),
        (r#"quantity("1e-10").asApproximateFloat()"#, "1e-9", 2),
        (r#"quantity("1e-999999").asApproximateFloat()"#, "1e-9", 2),
        (r#"quantity("1e310").asApproximateFloat()"#, "inf", 2),
        (r#"quantity("1e-330").asApproximateFloat()"#, "1e-9", 2),
        (r#"quantity("0.0000000001e400").asApproximateFloat()"#, "inf", 3),
        (r#"quantity("0e400").asApproximateFloat()"#, "NaN", 2),
        (
            r#"quantity("9999999999999999999999999999999999999G").asApproximateFloat()"#,
            "1.0000000000000001e46",
            5,
        ),
        (r#"quantity("100Ei").asApproximateFloat()"#, "9.223372036854776e18", 2),
        (r#"quantity("-100Ei").asApproximateFloat()"#, "-9.223372036854776e18", 2),
        (r#"quantity("1.5Ei").asApproximateFloat()"#, "1.7293822569102705e18", 2),
        (r#"quantity("1.0e300").asApproximateFloat()"#, "1e300", 2),
        (r#"quantity("1e-9").asApproximateFloat()"#, "1e-9", 2),
    ]);
}

#[test]
fn what_stands_for_nothing_is_zero() {
    assert_rows(&[
        (r#"quantity(".").asInteger()"#, "0", 2),
        (r#"quantity("+").asInteger()"#, "0", 2),
        (r#"quantity("-").asInteger()"#, "0", 2),
        (r#"quantity("Mi").asInteger()"#, "0", 2),
        (r#"quantity("e5").asInteger()"#, "0", 2),
        (r#"quantity(".Mi").asInteger()"#, "0", 2),
        (r#"quantity("00").asInteger()"#, "0", 2),
        (r#"quantity("-0").asInteger()"#, "0", 2),
    ]);
}

#[test]
fn what_is_no_quantity_is_refused() {
    assert_rows(&[
        (
            r#"quantity("")"#,
            "error: quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
            0,
        ),
        (
            r#"quantity("a")"#,
            "error: quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
            1,
        ),
        (
            r#"quantity("1,3G")"#,
            "error: quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
            1,
        ),
        (r#"quantity("200K")"#, "error: unable to parse quantity's suffix", 1),
        (
            r#"quantity("1 ")"#,
            "error: quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
            1,
        ),
        (r#"quantity("1i")"#, "error: unable to parse quantity's suffix", 1),
        (r#"quantity("1ki")"#, "error: unable to parse quantity's suffix", 1),
        (
            r#"quantity("1KI")"#,
            "error: quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
            1,
        ),
        (r#"quantity("1e")"#, "error: unable to parse quantity's suffix", 1),
        (
            r#"quantity("1e5k")"#,
            "error: quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
            1,
        ),
        (r#"quantity("1ee5")"#, "error: unable to parse quantity's suffix", 1),
        (r#"quantity("1e+")"#, "error: unable to parse quantity's suffix", 1),
        (r#"quantity("1e99999999999999999999")"#, "error: unable to parse quantity's suffix", 3),
        (r#"quantity("1-")"#, "error: unable to parse quantity's suffix", 1),
        (
            r#"quantity("1.2.3")"#,
            "error: quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
            1,
        ),
        (r#"quantity("--1")"#, "error: unable to parse quantity's suffix", 1),
        (r#"quantity(".e-10")"#, "error: unable to parse numeric part of quantity", 1),
        (
            r#"quantity("é")"#,
            "error: quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
            1,
        ),
        (
            r#"quantity("1é")"#,
            "error: quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
            1,
        ),
        (r#"isQuantity("1.3Gi")"#, "true", 1),
        (r#"isQuantity("1,3G")"#, "false", 1),
        (r#"isQuantity("Three")"#, "false", 1),
        (r#"isQuantity("Mi")"#, "true", 1),
        (r#"isQuantity("1e99999999999999999999")"#, "false", 3),
    ]);
}

#[test]
fn only_some_are_integers() {
    assert_rows(&[
        (r#"quantity("50k").isInteger()"#, "true", 2),
        (r#"quantity("50000000G").isInteger()"#, "true", 2),
        (r#"quantity("9223372036854775807").isInteger()"#, "false", 3),
        (r#"quantity("9.223372036854775807E").isInteger()"#, "false", 4),
        (r#"quantity("9223372036854775808").isInteger()"#, "false", 3),
        (r#"quantity("1e19").isInteger()"#, "false", 2),
        (r#"quantity("10e18").isInteger()"#, "false", 2),
        (r#"quantity("1000m").isInteger()"#, "false", 2),
        (r#"quantity("1.0").isInteger()"#, "false", 2),
        (r#"quantity("1.5").isInteger()"#, "false", 2),
        (r#"quantity("0.5Ki").isInteger()"#, "false", 2),
        (r#"quantity("1Ki").isInteger()"#, "true", 2),
        (r#"quantity("1Ti").isInteger()"#, "true", 2),
        (r#"quantity("99Ti").isInteger()"#, "true", 2),
        (r#"quantity("100Ti").isInteger()"#, "false", 2),
        (r#"quantity("1Pi").isInteger()"#, "false", 2),
        (r#"quantity("0e99").isInteger()"#, "true", 2),
        (r#"quantity("12345678901234567890").isInteger()"#, "false", 3),
        (r#"quantity("50k").asInteger()"#, "50000", 2),
        (r#"quantity("-1Ki").asInteger()"#, "-1024", 2),
        (r#"quantity("99Ti").asInteger()"#, "108851651149824", 2),
        (r#"quantity("9e18").asInteger()"#, "9000000000000000000", 2),
        (r#"quantity("1.5").asInteger()"#, "error: cannot convert value to integer", 2),
        (r#"quantity("1000m").asInteger()"#, "error: cannot convert value to integer", 2),
        (
            r#"quantity("9999999999999999999999999999999999999G").asInteger()"#,
            "error: cannot convert value to integer",
            5,
        ),
    ]);
}

#[test]
fn signs() {
    assert_rows(&[
        (r#"sign(quantity("1"))"#, "1", 2),
        (r#"sign(quantity("-1n"))"#, "-1", 2),
        (r#"sign(quantity("0"))"#, "0", 2),
        (r#"sign(quantity("-0"))"#, "0", 2),
        (r#"sign(quantity("-12345678901234567890"))"#, "-1", 4),
        (r#"sign(quantity("0.0e-20"))"#, "0", 2),
        (r#"sign(quantity("12345678901234567890"))"#, "1", 3),
    ]);
}

#[test]
fn comparisons_are_exact() {
    assert_rows(&[
        (r#"quantity("200M").compareTo(quantity("0.2G"))"#, "0", 3),
        (r#"quantity("50M").compareTo(quantity("50Mi"))"#, "-1", 3),
        (r#"quantity("50Mi").compareTo(quantity("50M"))"#, "1", 3),
        (r#"quantity("1").compareTo(quantity("1000m"))"#, "0", 3),
        (r#"quantity("1001m").compareTo(quantity("1"))"#, "1", 3),
        (r#"quantity("-1.5").compareTo(quantity("-1"))"#, "-1", 3),
        (r#"quantity("-1").compareTo(quantity("-1.5"))"#, "1", 3),
        (r#"quantity("0").compareTo(quantity("-1n"))"#, "1", 3),
        (r#"quantity("1e300").compareTo(quantity("1e301"))"#, "-1", 3),
        (r#"quantity("-1e300").compareTo(quantity("-1e301"))"#, "1", 3),
        (r#"quantity("1e300").compareTo(quantity("0e301"))"#, "1", 3),
        (r#"quantity("1e-9").compareTo(quantity("1e-10"))"#, "0", 3),
        (r#"quantity("12345678901234567890").compareTo(quantity("12345678901234567891"))"#, "-1", 5),
        (r#"quantity("12345678901234567890").compareTo(quantity("1234567890123456789e1"))"#, "0", 6),
        (r#"quantity("1e19").compareTo(quantity("10000000000000000000"))"#, "0", 4),
        (r#"quantity("0.1234567891").compareTo(quantity("0.123456790"))"#, "0", 5),
        (r#"quantity("150Mi").isGreaterThan(quantity("100Mi"))"#, "true", 3),
        (r#"quantity("1").isGreaterThan(quantity("1"))"#, "false", 3),
        (r#"quantity("1").isLessThan(quantity("1"))"#, "false", 3),
        (r#"quantity("1").isLessThan(quantity("1e30"))"#, "true", 3),
    ]);
}

#[test]
fn sums_and_differences() {
    assert_rows(&[
        (r#"quantity("50k").add(quantity("20k")) == quantity("70k")"#, "true", 5),
        (r#"quantity("50k").add(20) == quantity("50020")"#, "true", 4),
        (r#"quantity("50k").sub(20000) == quantity("30k")"#, "true", 4),
        (r#"quantity("50k").add(20).sub(quantity("100k")).sub(-50000) == quantity("20")"#, "true", 7),
        (r#"quantity("1").add(quantity("1m")).isInteger()"#, "false", 4),
        (r#"quantity("1k").add(1).asInteger()"#, "1001", 3),
        (r#"quantity("1").add(quantity("1k")).asInteger()"#, "1001", 4),
        (r#"quantity("0").add(quantity("1e18")).asInteger()"#, "1000000000000000000", 4),
        (r#"quantity("1e18").add(0).asInteger()"#, "1000000000000000000", 3),
        (r#"quantity("9223372036854775807").add(1).isInteger()"#, "false", 4),
        (r#"quantity("9223372036854775807").add(1).asApproximateFloat()"#, "9.223372036854776e18", 4),
        (r#"quantity("1e19").add(1).asApproximateFloat()"#, "1e19", 3),
        (r#"quantity("1").sub(quantity("12345678901234567890")).isInteger()"#, "false", 5),
        (
            r#"quantity("1").sub(quantity("12345678901234567890")).asApproximateFloat()"#,
            "-1.234567890123457e19",
            5,
        ),
        (
            r#"quantity("12345678901234567890").sub(quantity("12345678901234567889")).asApproximateFloat()"#,
            "1.0",
            6,
        ),
        (
            r#"quantity("-12345678901234567890").add(quantity("12345678901234567890")).asApproximateFloat()"#,
            "0.0",
            7,
        ),
        (r#"quantity("99999999999999999999").add(1).compareTo(quantity("1e20"))"#, "0", 5),
        (
            r#"quantity("1e20").sub(quantity("1n")).compareTo(quantity("99999999999999999999.999999999"))"#,
            "0",
            7,
        ),
    ]);
}

#[test]
fn nothing_equals_a_sum() {
    assert_rows(&[
        (r#"quantity("1") == quantity("1000m")"#, "true", 3),
        (r#"quantity("1") == quantity("2")"#, "false", 3),
        (r#"quantity("1").add(0) == quantity("1")"#, "true", 4),
        (r#"quantity("1") == quantity("1").add(0)"#, "error: no such overload", 4),
        (r#"quantity("1").add(0) == quantity("1").add(0)"#, "error: no such overload", 5),
    ]);
}

/// A state that shows: what a comparison is called on becomes a decimal, and a sum changes a first summand that is one.
#[test]
fn quantities_change_as_kubernetes_changes_them() {
    let quantity = |text: &str| call("quantity", &[Value::String(text.into())]).unwrap();
    let ask = |name: &str, args: &[&Value]| {
        let args: Vec<Value> = args.iter().map(|arg| (*arg).clone()).collect();
        show(&call(name, &args))
    };
    let (one, tiny) = (quantity("1"), quantity("1e-10"));
    assert_eq!(ask("isInteger", &[&one]), "true");
    assert_eq!(ask("add", &[&one, &tiny]), "quantity");
    assert_eq!(ask("compareTo", &[&tiny, &one]), "-1");
    assert_eq!(ask("isInteger", &[&one]), "true");
    assert_eq!(ask("isLessThan", &[&one, &tiny]), "false");
    assert_eq!(ask("isInteger", &[&one]), "false");
    assert_eq!(ask("add", &[&tiny, &one]), "quantity");
    assert_eq!(ask("asApproximateFloat", &[&tiny]), "1.000000001");
    assert_eq!(ask("sub", &[&tiny, &tiny]), "quantity");
    assert_eq!(ask("asApproximateFloat", &[&tiny]), "0.0");
    let sum = call("add", &[quantity("1e-10"), quantity("1")]).unwrap();
    let difference = call("sub", &[sum.clone(), quantity("1")]).unwrap();
    assert_eq!(ask("compareTo", &[&sum, &difference]), "0");
}

/// Go goes on, for as long as its memory lasts.
#[test]
fn long_numbers_have_no_value() {
    let too_long = "error: quantity has more than 1000 digits";
    let digits = "1".repeat(1001);
    for expression in [
        format!("quantity(\"{digits}\").isInteger()"),
        format!("isQuantity(\"{digits}\")"),
        "isQuantity(\"11111111111111111111e990\")".to_owned(),
        "quantity(\"1e2000\").add(1).isInteger()".to_owned(),
        "quantity(\"1\").sub(quantity(\"1e2147483647\")).isInteger()".to_owned(),
        "quantity(\"1e2147483647\").compareTo(quantity(\"1n\"))".to_owned(),
    ] {
        assert_eq!(evaluate(&expression).0, too_long, "{expression}");
    }
    for (expression, value) in [
        ("isQuantity(\"1e2147483647\")", "true"),
        ("quantity(\"1e2000000000\").compareTo(quantity(\"1\"))", "1"),
        ("quantity(\"11111111111111111111e900\").isInteger()", "false"),
        ("quantity(\"1e900\").add(1).compareTo(quantity(\"1e900\"))", "1"),
    ] {
        assert_eq!(evaluate(expression).0, value, "{expression}");
    }
    let zeros = "0".repeat(2000);
    assert_eq!(evaluate(&format!("isQuantity(\"{zeros}.{zeros}1\")")).0, "true");
    assert_eq!(evaluate(&format!("isQuantity(\"{digits}x\")")).0, "false");
}
