//! Rows for networks. Values and costs are those of kube-apiserver 1.36.

use crate::library::kubernetes::tests::assert_rows;

#[test]
fn networks_are_parsed_as_go_does() {
    assert_rows(&[
        (r#"cidr("10.0.0.0/8")"#, "10.0.0.0/8", 1),
        (r#"cidr("10.1.2.3/8")"#, "10.1.2.3/8", 1),
        (r#"cidr("0.0.0.0/0")"#, "0.0.0.0/0", 1),
        (r#"cidr("1.2.3.4/32")"#, "1.2.3.4/32", 1),
        (r#"cidr("::1/64")"#, "::1/64", 1),
        (r#"cidr("::/0")"#, "::/0", 1),
        (r#"cidr("2001:DB8::/128")"#, "2001:db8::/128", 2),
    ]);
}

#[test]
fn what_is_no_network_is_refused_in_gos_words() {
    assert_rows(&[
        (
            r#"cidr("")"#,
            r#"error: network address parse error during conversion from string: network address parse error during conversion from string: netip.ParsePrefix(""): no '/'"#,
            0,
        ),
        (
            r#"cidr("10.0.0.0")"#,
            r#"error: network address parse error during conversion from string: network address parse error during conversion from string: netip.ParsePrefix("10.0.0.0"): no '/'"#,
            1,
        ),
        (
            r#"cidr("10.0.0.0/")"#,
            r#"error: network address parse error during conversion from string: network address parse error during conversion from string: netip.ParsePrefix("10.0.0.0/"): bad bits after slash: """#,
            1,
        ),
        (
            r#"cidr("10.0.0.0/33")"#,
            r#"error: network address parse error during conversion from string: network address parse error during conversion from string: netip.ParsePrefix("10.0.0.0/33"): prefix length out of range"#,
            2,
        ),
        (
            r#"cidr("::/129")"#,
            r#"error: network address parse error during conversion from string: network address parse error during conversion from string: netip.ParsePrefix("::/129"): prefix length out of range"#,
            1,
        ),
        (
            r#"cidr("10.0.0.0/08")"#,
            r#"error: network address parse error during conversion from string: network address parse error during conversion from string: netip.ParsePrefix("10.0.0.0/08"): bad bits after slash: "08""#,
            2,
        ),
        (
            r#"cidr("10.0.0.0/+8")"#,
            r#"error: network address parse error during conversion from string: network address parse error during conversion from string: netip.ParsePrefix("10.0.0.0/+8"): bad bits after slash: "+8""#,
            2,
        ),
        (
            r#"cidr("10.0.0.0/-1")"#,
            r#"error: network address parse error during conversion from string: network address parse error during conversion from string: netip.ParsePrefix("10.0.0.0/-1"): bad bits after slash: "-1""#,
            2,
        ),
        (
            r#"cidr("10.0.0.0/8a")"#,
            r#"error: network address parse error during conversion from string: network address parse error during conversion from string: netip.ParsePrefix("10.0.0.0/8a"): bad bits after slash: "8a""#,
            2,
        ),
        (
            r#"cidr("10.0.0.0/256")"#,
            r#"error: network address parse error during conversion from string: network address parse error during conversion from string: netip.ParsePrefix("10.0.0.0/256"): prefix length out of range"#,
            2,
        ),
        (
            r#"cidr("10.0.0.0/9223372036854775808")"#,
            r#"error: network address parse error during conversion from string: network address parse error during conversion from string: netip.ParsePrefix("10.0.0.0/9223372036854775808"): bad bits after slash: "9223372036854775808""#,
            3,
        ),
        (
            r#"cidr("10.0.0.0/8/8")"#,
            r#"error: network address parse error during conversion from string: network address parse error during conversion from string: netip.ParsePrefix("10.0.0.0/8/8"): ParseAddr("10.0.0.0/8"): unexpected character (at "/8")"#,
            2,
        ),
        (
            r#"cidr("x/8")"#,
            r#"error: network address parse error during conversion from string: network address parse error during conversion from string: netip.ParsePrefix("x/8"): ParseAddr("x"): unable to parse IP"#,
            1,
        ),
        (
            r#"cidr("fe80::1%a/64")"#,
            r#"error: network address parse error during conversion from string: network address parse error during conversion from string: netip.ParsePrefix("fe80::1%a/64"): IPv6 zones cannot be present in a prefix"#,
            2,
        ),
        (
            r#"cidr("::ffff:1.2.3.4/100")"#,
            r#"error: network address parse error during conversion from string: IPv4-mapped IPv6 address "::ffff:1.2.3.4/100" is not allowed"#,
            2,
        ),
    ]);
}

#[test]
fn parts_of_networks() {
    assert_rows(&[
        (r#"isCIDR("10.0.0.0/8")"#, "true", 1),
        (r#"isCIDR("10.0.0.0/33")"#, "false", 2),
        (r#"cidr("10.1.2.3/8").ip()"#, "10.1.2.3", 2),
        (r#"cidr("10.1.2.3/8").prefixLength()"#, "8", 2),
        (r#"cidr("10.1.2.3/8").masked()"#, "10.0.0.0/8", 2),
        (r#"cidr("10.1.2.3/0").masked()"#, "0.0.0.0/0", 2),
        (r#"cidr("10.1.2.3/32").masked()"#, "10.1.2.3/32", 3),
        (r#"cidr("10.255.2.3/13").masked()"#, "10.248.0.0/13", 3),
        (r#"cidr("2001:db8:ffff::1/33").masked()"#, "2001:db8:8000::/33", 3),
        (r#"cidr("::1/0").masked()"#, "::/0", 2),
        (r#"cidr("::1/128").masked()"#, "::1/128", 2),
    ]);
}

#[test]
fn networks_contain_addresses() {
    assert_rows(&[
        (r#"cidr("10.0.0.0/8").containsIP("10.255.0.1")"#, "true", 3),
        (r#"cidr("10.0.0.0/8").containsIP(ip("11.0.0.1"))"#, "false", 3),
        (r#"cidr("10.1.2.3/8").containsIP("10.0.0.1")"#, "true", 3),
        (r#"cidr("10.0.0.0/9").containsIP("10.128.0.0")"#, "false", 3),
        (r#"cidr("0.0.0.0/0").containsIP("1.2.3.4")"#, "true", 2),
        (r#"cidr("0.0.0.0/0").containsIP("::")"#, "false", 2),
        (r#"cidr("::/0").containsIP(ip("::1"))"#, "true", 2),
        (r#"cidr("::/0").containsIP(ip("1.2.3.4"))"#, "false", 2),
        (r#"cidr("fd00::/64").containsIP(ip("fd00::1:2:3:4"))"#, "true", 5),
        (r#"cidr("fd00::/64").containsIP(ip("fd00:0:0:1::"))"#, "false", 5),
        (r#"cidr("::1/128").containsIP("::1")"#, "true", 6),
        (r#"cidr("1.2.3.4/32").containsIP("1.2.3.4")"#, "true", 3),
        (r#"cidr("1.2.3.4/32").containsIP("1.2.3.5")"#, "false", 3),
        (r#"cidr("10.0.0.0/8").containsIP("x")"#, "error: no such overload", 3),
        (r#"cidr("10.0.0.0/8").containsIP("::ffff:10.0.0.1")"#, "error: no such overload", 4),
    ]);
}

#[test]
fn networks_contain_networks() {
    assert_rows(&[
        (r#"cidr("10.0.0.0/8").containsCIDR(cidr("10.1.0.0/16"))"#, "true", 6),
        (r#"cidr("10.0.0.0/8").containsCIDR("10.0.0.0/8")"#, "true", 5),
        (r#"cidr("10.0.0.0/8").containsCIDR("10.0.0.0/7")"#, "false", 5),
        (r#"cidr("10.0.0.0/16").containsCIDR("10.1.0.0/24")"#, "false", 7),
        (r#"cidr("0.0.0.0/0").containsCIDR("::/0")"#, "false", 3),
        (r#"cidr("::/0").containsCIDR(cidr("::/64"))"#, "true", 3),
        (r#"cidr("10.1.2.3/8").containsCIDR("10.4.5.6/32")"#, "true", 6),
        (
            r#"cidr("10.0.0.0/8").containsCIDR("x")"#,
            r#"error: network address parse error during conversion from string: network address parse error during conversion from string: netip.ParsePrefix("x"): no '/'"#,
            5,
        ),
    ]);
}

#[test]
fn equality_counts_all_bits() {
    assert_rows(&[
        (r#"cidr("10.0.0.0/8") == cidr("10.0.0.0/8")"#, "true", 3),
        (r#"cidr("10.0.0.1/8") == cidr("10.0.0.0/8")"#, "false", 3),
        (r#"cidr("10.0.0.1/8").masked() == cidr("10.0.0.0/8")"#, "true", 4),
        (r#"cidr("10.0.0.0/8") == cidr("10.0.0.0/9")"#, "false", 3),
    ]);
}
