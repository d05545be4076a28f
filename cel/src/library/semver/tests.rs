//! Rows for versions. Values and costs are those of kube-apiserver 1.36.

use crate::library::kubernetes::tests::assert_rows;

#[test]
fn what_is_no_version_is_refused_in_the_parsers_words() {
    assert_rows(&[
        (r#"semver("")"#, "error: Version string empty", 0),
        (r#"semver("1")"#, "error: No Major.Minor.Patch elements found", 1),
        (r#"semver("1.2")"#, "error: No Major.Minor.Patch elements found", 1),
        (r#"semver("a.2.3")"#, r#"error: Invalid character(s) found in major number "a""#, 1),
        (r#"semver("1.b.3")"#, r#"error: Invalid character(s) found in minor number "b""#, 1),
        (r#"semver("1.2.c")"#, r#"error: Invalid character(s) found in patch number "c""#, 1),
        (r#"semver("01.2.3")"#, r#"error: Major number must not contain leading zeroes "01""#, 1),
        (r#"semver("1.02.3")"#, r#"error: Minor number must not contain leading zeroes "02""#, 1),
        (r#"semver("1.2.03")"#, r#"error: Patch number must not contain leading zeroes "03""#, 1),
        (r#"semver("1.2.")"#, r#"error: strconv.ParseUint: parsing "": invalid syntax"#, 1),
        (r#"semver("..")"#, r#"error: strconv.ParseUint: parsing "": invalid syntax"#, 1),
        (r#"semver(".2.3")"#, r#"error: strconv.ParseUint: parsing "": invalid syntax"#, 1),
        (
            r#"semver("18446744073709551616.0.0")"#,
            r#"error: strconv.ParseUint: parsing "18446744073709551616": value out of range"#,
            3,
        ),
        (r#"semver("1.2.3-")"#, "error: Prerelease is empty", 1),
        (r#"semver("1.2.3-a..b")"#, "error: Prerelease is empty", 1),
        (
            r#"semver("1.2.3-01")"#,
            r#"error: Numeric PreRelease version must not contain leading zeroes "01""#,
            1,
        ),
        (
            r#"semver("1.2.3-99999999999999999999")"#,
            r#"error: strconv.ParseUint: parsing "99999999999999999999": value out of range"#,
            3,
        ),
        (r#"semver("1.2.3-é")"#, r#"error: Invalid character(s) found in prerelease "é""#, 1),
        (r#"semver("1.2.3+")"#, "error: Build meta data is empty", 1),
        (r#"semver("1.2.3+a.")"#, "error: Build meta data is empty", 1),
        (r#"semver("1.2.3+é")"#, r#"error: Invalid character(s) found in build meta data "é""#, 1),
        (r#"semver("1.2.3.4")"#, r#"error: Invalid character(s) found in patch number "3.4""#, 1),
        (r#"semver("v1.2.3")"#, r#"error: Invalid character(s) found in major number "v1""#, 1),
        (r#"semver(" 1.2.3")"#, r#"error: Invalid character(s) found in major number " 1""#, 1),
    ]);
}

#[test]
fn numbers_of_versions() {
    assert_rows(&[
        (r#"semver("1.2.3").major()"#, "1", 2),
        (r#"semver("1.2.3").minor()"#, "2", 2),
        (r#"semver("1.2.3-4.5+6").patch()"#, "3", 3),
        (r#"semver("9223372036854775808.18446744073709551615.0").major()"#, "-9223372036854775808", 6),
        (r#"semver("0.18446744073709551615.0").minor()"#, "-1", 4),
    ]);
}

#[test]
fn normalizing_is_optional() {
    assert_rows(&[
        (r#"isSemver("v1.2.3")"#, "false", 1),
        (r#"isSemver("v1.2.3", false)"#, "false", 1),
        (r#"isSemver("v1.2.3", true)"#, "true", 1),
        (r#"isSemver("vv1", true)"#, "false", 1),
        (r#"isSemver("v", true)"#, "false", 1),
        (r#"isSemver("", true)"#, "false", 0),
        (r#"semver("1", true).minor()"#, "0", 2),
        (r#"semver("v01.002", true).minor()"#, "2", 2),
        (r#"semver("1.2.003-rc", true).patch()"#, "3", 2),
        (r#"semver("1.2.0-rc", true).patch()"#, "0", 2),
        (r#"semver("1.2.00", true).patch()"#, "0", 2),
        (r#"semver("1.2-rc", true)"#, "error: short version cannot contain PreRelease/Build meta data", 1),
        (r#"semver("1+b", true)"#, "error: short version cannot contain PreRelease/Build meta data", 1),
        (r#"semver("01-a.1.1", true)"#, r#"error: Invalid character(s) found in major number "1-a""#, 1),
        (r#"isSemver("1.2.3.4", true)"#, "false", 1),
        (r#"isSemver("1.2.-a", true)"#, "true", 1),
    ]);
}

#[test]
fn later_versions_are_greater() {
    assert_rows(&[
        (r#"semver("1.2.3").compareTo(semver("1.2.3"))"#, "0", 3),
        (r#"semver("1.2.3").compareTo(semver("2.0.0"))"#, "-1", 3),
        (r#"semver("1.2.3").compareTo(semver("1.1.9"))"#, "1", 3),
        (r#"semver("1.2.3").compareTo(semver("1.2.4"))"#, "-1", 3),
        (r#"semver("1.2.3-a").compareTo(semver("1.2.3"))"#, "-1", 3),
        (r#"semver("1.2.3").compareTo(semver("1.2.3-a"))"#, "1", 3),
        (r#"semver("1.2.3-a").compareTo(semver("1.2.3-b"))"#, "-1", 3),
        (r#"semver("1.2.3-a").compareTo(semver("1.2.3-a.1"))"#, "-1", 3),
        (r#"semver("1.2.3-9").compareTo(semver("1.2.3-10"))"#, "-1", 3),
        (r#"semver("1.2.3-99").compareTo(semver("1.2.3-a"))"#, "-1", 3),
        (r#"semver("1.2.3-B").compareTo(semver("1.2.3-a"))"#, "-1", 3),
        (r#"semver("1.2.3-a1").compareTo(semver("1.2.3-a-"))"#, "1", 3),
        (r#"semver("1.2.3+a").compareTo(semver("1.2.3+b"))"#, "0", 3),
        (r#"semver("1.2.3").isLessThan(semver("1.2.4"))"#, "true", 3),
        (r#"semver("1.2.3").isLessThan(semver("1.2.3"))"#, "false", 3),
        (r#"semver("1.2.3").isGreaterThan(semver("1.2.3-a"))"#, "true", 3),
        (r#"semver("1.2.3").isGreaterThan(semver("1.2.3"))"#, "false", 3),
        (r#"semver("1.2.3+a") == semver("1.2.3+b")"#, "true", 3),
        (r#"semver("1.2.3") == semver("1.2.3-a")"#, "false", 3),
        (r#"semver("01.2", true) == semver("1.2.0")"#, "true", 3),
    ]);
}
