//! Rows for addresses. Values and costs are those of kube-apiserver 1.36.

use crate::library::kubernetes::tests::assert_rows;

#[test]
fn addresses_are_parsed_as_go_does() {
    assert_rows(&[
        (r#"ip("1.2.3.4")"#, "1.2.3.4", 1),
        (r#"ip("0.0.0.0")"#, "0.0.0.0", 1),
        (r#"ip("::")"#, "::", 1),
        (r#"ip("::1")"#, "::1", 1),
        (r#"ip("2001:DB8:0:0:1:0:0:1")"#, "2001:db8::1:0:0:1", 2),
        (r#"ip("1:0:0:2:0:0:0:3")"#, "1:0:0:2::3", 2),
        (r#"ip("1:2:3:4:5:6:7:8")"#, "1:2:3:4:5:6:7:8", 2),
        (r#"ip("1:2:3:4:5:6:7::")"#, "1:2:3:4:5:6:7:0", 2),
        (r#"ip("::1.2.3.4")"#, "::102:304", 1),
        (r#"ip("64:ff9b::1.2.3.4")"#, "64:ff9b::102:304", 2),
        (r#"ip("1:2:3:4:5:6:1.2.3.4")"#, "1:2:3:4:5:6:102:304", 2),
        (r#"ip("::fffe:1.2.3.4")"#, "::fffe:102:304", 2),
    ]);
}

#[test]
fn what_is_no_address_is_refused_in_gos_words() {
    assert_rows(&[
        (
            r#"ip("")"#,
            r#"error: IP Address "" parse error during conversion from string: ParseAddr(""): unable to parse IP"#,
            0,
        ),
        (
            r#"ip("a")"#,
            r#"error: IP Address "a" parse error during conversion from string: ParseAddr("a"): unable to parse IP"#,
            1,
        ),
        (
            r#"ip("%")"#,
            r#"error: IP Address "%" parse error during conversion from string: ParseAddr("%"): missing IPv6 address"#,
            1,
        ),
        (
            r#"ip("1.2.3")"#,
            r#"error: IP Address "1.2.3" parse error during conversion from string: ParseAddr("1.2.3"): IPv4 address too short"#,
            1,
        ),
        (
            r#"ip("1.2.3.4.5")"#,
            r#"error: IP Address "1.2.3.4.5" parse error during conversion from string: ParseAddr("1.2.3.4.5"): IPv4 address too long"#,
            1,
        ),
        (
            r#"ip("1.2.3.")"#,
            r#"error: IP Address "1.2.3." parse error during conversion from string: ParseAddr("1.2.3."): IPv4 field must have at least one digit (at ".")"#,
            1,
        ),
        (
            r#"ip("1..2.3")"#,
            r#"error: IP Address "1..2.3" parse error during conversion from string: ParseAddr("1..2.3"): IPv4 field must have at least one digit (at ".2.3")"#,
            1,
        ),
        (
            r#"ip(".1.2.3")"#,
            r#"error: IP Address ".1.2.3" parse error during conversion from string: ParseAddr(".1.2.3"): IPv4 field must have at least one digit (at ".1.2.3")"#,
            1,
        ),
        (
            r#"ip("01.2.3.4")"#,
            r#"error: IP Address "01.2.3.4" parse error during conversion from string: ParseAddr("01.2.3.4"): IPv4 field has octet with leading zero"#,
            1,
        ),
        (
            r#"ip("1.2.3.256")"#,
            r#"error: IP Address "1.2.3.256" parse error during conversion from string: ParseAddr("1.2.3.256"): IPv4 field has value >255"#,
            1,
        ),
        (
            r#"ip("1.2.3.a")"#,
            r#"error: IP Address "1.2.3.a" parse error during conversion from string: ParseAddr("1.2.3.a"): unexpected character (at "a")"#,
            1,
        ),
        (
            r#"ip("1.2.3.4 ")"#,
            r#"error: IP Address "1.2.3.4 " parse error during conversion from string: ParseAddr("1.2.3.4 "): unexpected character (at " ")"#,
            1,
        ),
        (
            r#"ip("1.2.3.é")"#,
            r#"error: IP Address "1.2.3.é" parse error during conversion from string: ParseAddr("1.2.3.é"): unexpected character (at "é")"#,
            1,
        ),
        (r#"ip("::ffff:1.2.3.4")"#, r#"error: IPv4-mapped IPv6 address "::ffff:1.2.3.4" is not allowed"#, 2),
        (r#"ip("::ffff:0:1")"#, r#"error: IPv4-mapped IPv6 address "::ffff:0:1" is not allowed"#, 1),
        (r#"ip("fe80::1%eth0")"#, r#"error: IP address "fe80::1%eth0" with zone value is not allowed"#, 2),
        (
            r#"ip("fe80::1%")"#,
            r#"error: IP Address "fe80::1%" parse error during conversion from string: ParseAddr("fe80::1%"): zone must be a non-empty string"#,
            1,
        ),
        (
            r#"ip("1.2.3.4%a")"#,
            r#"error: IP Address "1.2.3.4%a" parse error during conversion from string: ParseAddr("1.2.3.4%a"): unexpected character (at "%a")"#,
            1,
        ),
        (
            r#"ip("12345::")"#,
            r#"error: IP Address "12345::" parse error during conversion from string: ParseAddr("12345::"): each group must have 4 or less digits (at "12345::")"#,
            1,
        ),
        (
            r#"ip("::g")"#,
            r#"error: IP Address "::g" parse error during conversion from string: ParseAddr("::g"): each colon-separated field must have at least one digit (at "g")"#,
            1,
        ),
        (
            r#"ip("1")"#,
            r#"error: IP Address "1" parse error during conversion from string: ParseAddr("1"): unable to parse IP"#,
            1,
        ),
        (
            r#"ip("1:2")"#,
            r#"error: IP Address "1:2" parse error during conversion from string: ParseAddr("1:2"): address string too short"#,
            1,
        ),
        (
            r#"ip("1:2:3:4:5:6:7:8:9")"#,
            r#"error: IP Address "1:2:3:4:5:6:7:8:9" parse error during conversion from string: ParseAddr("1:2:3:4:5:6:7:8:9"): trailing garbage after address (at "9")"#,
            2,
        ),
        (
            r#"ip("1:2:3:4:5:6:7:8::")"#,
            r#"error: IP Address "1:2:3:4:5:6:7:8::" parse error during conversion from string: ParseAddr("1:2:3:4:5:6:7:8::"): the :: must expand to at least one field of zeros"#,
            2,
        ),
        (
            r#"ip("1::2::3")"#,
            r#"error: IP Address "1::2::3" parse error during conversion from string: ParseAddr("1::2::3"): multiple :: in address (at ":3")"#,
            1,
        ),
        (
            r#"ip(":::")"#,
            r#"error: IP Address ":::" parse error during conversion from string: ParseAddr(":::"): each colon-separated field must have at least one digit (at ":")"#,
            1,
        ),
        (
            r#"ip(":1")"#,
            r#"error: IP Address ":1" parse error during conversion from string: ParseAddr(":1"): each colon-separated field must have at least one digit (at ":1")"#,
            1,
        ),
        (
            r#"ip("1:")"#,
            r#"error: IP Address "1:" parse error during conversion from string: ParseAddr("1:"): colon must be followed by more characters (at ":")"#,
            1,
        ),
        (
            r#"ip("1:2:3:4:5:6:7:1.2.3.4")"#,
            r#"error: IP Address "1:2:3:4:5:6:7:1.2.3.4" parse error during conversion from string: ParseAddr("1:2:3:4:5:6:7:1.2.3.4"): embedded IPv4 address must replace the final 2 fields of the address (at "1.2.3.4")"#,
            3,
        ),
        (
            r#"ip("1:1.2.3.4")"#,
            r#"error: IP Address "1:1.2.3.4" parse error during conversion from string: ParseAddr("1:1.2.3.4"): embedded IPv4 address must replace the final 2 fields of the address (at "1.2.3.4")"#,
            1,
        ),
        (
            r#"ip("::1:2:3:4:5:6:7:1.2.3.4")"#,
            r#"error: IP Address "::1:2:3:4:5:6:7:1.2.3.4" parse error during conversion from string: ParseAddr("::1:2:3:4:5:6:7:1.2.3.4"): too many hex fields to fit an embedded IPv4 at the end of the address (at "1.2.3.4")"#,
            3,
        ),
        (
            r#"ip("1:2:3:4:5:6:7::1.2.3.4")"#,
            r#"error: IP Address "1:2:3:4:5:6:7::1.2.3.4" parse error during conversion from string: ParseAddr("1:2:3:4:5:6:7::1.2.3.4"): too many hex fields to fit an embedded IPv4 at the end of the address (at "1.2.3.4")"#,
            3,
        ),
        (
            r#"ip("::1.2.3")"#,
            r#"error: IP Address "::1.2.3" parse error during conversion from string: ParseAddr("::1.2.3"): IPv4 address too short"#,
            1,
        ),
        (
            r#"ip("::1.2.3.4:5")"#,
            r#"error: IP Address "::1.2.3.4:5" parse error during conversion from string: ParseAddr("::1.2.3.4:5"): unexpected character (at ":5")"#,
            2,
        ),
        (
            r#"ip("1::2:3:4:5:6:7:8")"#,
            r#"error: IP Address "1::2:3:4:5:6:7:8" parse error during conversion from string: ParseAddr("1::2:3:4:5:6:7:8"): the :: must expand to at least one field of zeros"#,
            2,
        ),
    ]);
}

#[test]
fn questions_about_texts() {
    assert_rows(&[
        (r#"isIP("1.2.3.4")"#, "true", 1),
        (r#"isIP("1.2.3")"#, "false", 1),
        (r#"isIP("::ffff:1.2.3.4")"#, "false", 2),
        (r#"isIP("fe80::1%a")"#, "false", 1),
        (r#"isIP("ééééééééééééééééééééé")"#, "false", 3),
        (r#"ip.isCanonical("1.2.3.4")"#, "true", 2),
        (r#"ip.isCanonical("2001:db8::1")"#, "true", 3),
        (r#"ip.isCanonical("2001:DB8::1")"#, "false", 3),
        (r#"ip.isCanonical("2001:db8:0::1")"#, "false", 3),
        (
            r#"ip.isCanonical("x")"#,
            r#"error: IP Address "x" parse error during conversion from string: ParseAddr("x"): unable to parse IP"#,
            1,
        ),
    ]);
}

#[test]
fn questions_about_addresses() {
    assert_rows(&[
        (r#"ip("1.2.3.4").family()"#, "4", 2),
        (r#"ip("::").family()"#, "6", 2),
        (r#"ip("0.0.0.0").isUnspecified()"#, "true", 2),
        (r#"ip("::").isUnspecified()"#, "true", 2),
        (r#"ip("0.0.0.1").isUnspecified()"#, "false", 2),
        (r#"ip("127.255.0.1").isLoopback()"#, "true", 3),
        (r#"ip("128.0.0.1").isLoopback()"#, "false", 2),
        (r#"ip("::1").isLoopback()"#, "true", 2),
        (r#"ip("::2").isLoopback()"#, "false", 2),
        (r#"ip("224.0.0.255").isLinkLocalMulticast()"#, "true", 3),
        (r#"ip("224.0.1.0").isLinkLocalMulticast()"#, "false", 2),
        (r#"ip("ff02::1").isLinkLocalMulticast()"#, "true", 2),
        (r#"ip("ff12::1").isLinkLocalMulticast()"#, "true", 2),
        (r#"ip("ff01::1").isLinkLocalMulticast()"#, "false", 2),
        (r#"ip("fe02::1").isLinkLocalMulticast()"#, "false", 2),
        (r#"ip("169.254.0.1").isLinkLocalUnicast()"#, "true", 3),
        (r#"ip("169.253.0.1").isLinkLocalUnicast()"#, "false", 3),
        (r#"ip("fe80::1").isLinkLocalUnicast()"#, "true", 2),
        (r#"ip("febf::1").isLinkLocalUnicast()"#, "true", 2),
        (r#"ip("fec0::1").isLinkLocalUnicast()"#, "false", 2),
        (r#"ip("10.0.0.1").isGlobalUnicast()"#, "true", 2),
        (r#"ip("0.0.0.0").isGlobalUnicast()"#, "false", 2),
        (r#"ip("255.255.255.255").isGlobalUnicast()"#, "false", 3),
        (r#"ip("127.0.0.1").isGlobalUnicast()"#, "false", 2),
        (r#"ip("224.0.0.1").isGlobalUnicast()"#, "false", 2),
        (r#"ip("239.1.1.1").isGlobalUnicast()"#, "false", 2),
        (r#"ip("240.0.0.1").isGlobalUnicast()"#, "true", 2),
        (r#"ip("169.254.0.1").isGlobalUnicast()"#, "false", 3),
        (r#"ip("fd00::1").isGlobalUnicast()"#, "true", 2),
        (r#"ip("2001:db8::1").isGlobalUnicast()"#, "true", 3),
        (r#"ip("ff05::1").isGlobalUnicast()"#, "false", 2),
        (r#"ip("fe80::1").isGlobalUnicast()"#, "false", 2),
        (r#"ip("::1").isGlobalUnicast()"#, "false", 2),
        (r#"ip("::").isGlobalUnicast()"#, "false", 2),
    ]);
}

#[test]
fn equality_is_by_value() {
    assert_rows(&[
        (r#"ip("::1") == ip("0:0::1")"#, "true", 3),
        (r#"ip("1.2.3.4") == ip("1.2.3.5")"#, "false", 3),
        (r#"ip("1.2.3.4") == ip("::1.2.3.4")"#, "false", 3),
    ]);
}
