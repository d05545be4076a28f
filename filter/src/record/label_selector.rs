//! Whether a label selector can be parsed: k8s.io/apimachinery `labels.Parse`. What it selects is of no interest here.

/// Longest name of a label, and longest value.
const MAX_NAME: usize = 63;
/// Longest prefix of a label.
const MAX_PREFIX: usize = 253;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token<'a> {
    Comma,
    Exclamation,
    Close,
    Open,
    /// `=`, `==` or `!=`.
    Equality,
    /// `<` or `>`.
    Order,
    /// Anything else; `in` and `notin` are operators only where one is expected.
    Word(&'a [u8]),
}

/// Whether kube-apiserver can parse this label selector.
pub(super) fn is_valid(selector: &[u8]) -> bool {
    let tokens = Lexer { rest: selector }.tokens();
    parse(&tokens).is_some()
}

struct Lexer<'a> {
    rest: &'a [u8],
}

impl<'a> Lexer<'a> {
    /// All tokens. A NUL byte where a token would begin ends the text; one right after a token is skipped.
    fn tokens(mut self) -> Vec<Token<'a>> {
        let mut tokens = Vec::new();
        loop {
            self.rest = self.rest.trim_ascii_start_like_go();
            let token = match self.rest {
                [] | [0, ..] => return tokens,
                [b'=' | b'!', b'=', rest @ ..] => self.take(Token::Equality, rest),
                [b'=', rest @ ..] => self.take(Token::Equality, rest),
                [b'!', rest @ ..] => self.take(Token::Exclamation, rest),
                [b'(', rest @ ..] => self.take(Token::Open, rest),
                [b')', rest @ ..] => self.take(Token::Close, rest),
                [b',', rest @ ..] => self.take(Token::Comma, rest),
                [b'<' | b'>', rest @ ..] => self.take(Token::Order, rest),
                text => {
                    let end = text.iter().position(|byte| b" \t\r\n=!(),<>\0".contains(byte));
                    let (word, rest) = text.split_at(end.unwrap_or(text.len()));
                    self.take(Token::Word(word), rest)
                }
            };
            tokens.push(token);
        }
    }

    fn take(&mut self, token: Token<'a>, rest: &'a [u8]) -> Token<'a> {
        self.rest = rest.strip_prefix(b"\0").unwrap_or(rest);
        token
    }
}

trait TrimLikeGo {
    fn trim_ascii_start_like_go(&self) -> &Self;
}

impl TrimLikeGo for [u8] {
    /// Without leading blanks; a form feed is none.
    fn trim_ascii_start_like_go(&self) -> &Self {
        let end = self.iter().position(|byte| !b" \t\r\n".contains(byte)).unwrap_or(self.len());
        self.split_at(end).1
    }
}

/// A list of requirements, separated by commas; none is fine, too.
fn parse(mut tokens: &[Token<'_>]) -> Option<()> {
    if tokens.is_empty() {
        return Some(());
    }
    loop {
        match requirement(tokens)? {
            [] => return Some(()),
            [Token::Comma, rest @ ..] => tokens = rest,
            _ => return None,
        }
    }
}

/// One requirement; returns what follows it.
fn requirement<'t, 'a>(tokens: &'t [Token<'a>]) -> Option<&'t [Token<'a>]> {
    let (is_negated, tokens) = match tokens {
        [Token::Exclamation, rest @ ..] => (true, rest),
        _ => (false, tokens),
    };
    let [Token::Word(key), rest @ ..] = tokens else { return None };
    if !is_key(key) {
        return None;
    }
    match rest {
        [] | [Token::Comma, ..] => Some(rest),
        // Whatever stands after `!key` is no comma.
        _ if is_negated => None,
        [Token::Word(b"in" | b"notin"), Token::Open, rest @ ..] => values(rest),
        [operator @ (Token::Equality | Token::Order), rest @ ..] => {
            let (value, rest) = match rest {
                [] | [Token::Comma, ..] => (&b""[..], rest),
                [Token::Word(value), rest @ ..] => (*value, rest),
                _ => return None,
            };
            let is_number = || std::str::from_utf8(value).is_ok_and(|text| text.parse::<i64>().is_ok());
            (is_value(value) && (*operator == Token::Equality || is_number())).then_some(rest)
        }
        _ => None,
    }
}

/// The values after `in (`; empty ones may stand anywhere.
fn values<'t, 'a>(mut tokens: &'t [Token<'a>]) -> Option<&'t [Token<'a>]> {
    loop {
        match tokens {
            [Token::Close, rest @ ..] => return Some(rest),
            [Token::Comma, rest @ ..] => tokens = rest,
            [Token::Word(value), next @ (Token::Comma | Token::Close), ..] if is_value(value) => {
                tokens = tokens.get(if *next == Token::Comma { 2.. } else { 1.. })?;
            }
            _ => return None,
        }
    }
}

fn is_key(key: &[u8]) -> bool {
    let mut parts = key.split(|byte| *byte == b'/');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(name), None, None) => is_name(name),
        (Some(prefix), Some(name), None) => is_subdomain(prefix) && is_name(name),
        _ => false,
    }
}

fn is_value(value: &[u8]) -> bool {
    value.is_empty() || is_name(value)
}

fn is_name(name: &[u8]) -> bool {
    name.len() <= MAX_NAME
        && begins_and_ends(name, u8::is_ascii_alphanumeric)
        && name.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte))
}

/// RFC 1123, lower case.
fn is_subdomain(prefix: &[u8]) -> bool {
    let is_lower = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    prefix.len() <= MAX_PREFIX
        && prefix.split(|byte| *byte == b'.').all(|label| {
            begins_and_ends(label, is_lower) && label.iter().all(|byte| is_lower(byte) || *byte == b'-')
        })
}

fn begins_and_ends(text: &[u8], with: impl Fn(&u8) -> bool) -> bool {
    text.first().is_some_and(&with) && text.last().is_some_and(&with)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each row as `labels.Parse` of k8s.io/apimachinery v0.36.3 judges it.
    #[test]
    fn selectors_are_judged_as_kubernetes_judges_them() {
        for good in [
            "",
            " ",
            "a",
            "!a",
            "a=b",
            "a==b",
            "a!=b",
            "a=",
            "a,b",
            "x in (foo,,baz),y,z notin ()",
            "a>5",
            "a<0",
            "in in (in)",
            "notin",
            "a=in",
            "app.kubernetes.io/name=web",
            "a in (,)",
            "a in (,b)",
            "a\n=\tb",
            "! a",
            "a=b\0",
            "\0,,,",
        ] {
            assert!(is_valid(good.as_bytes()), "{good:?}");
        }
        for bad in [
            "=",
            ",",
            "a,",
            ",a",
            "a b",
            "a=b c",
            "a in",
            "a in b",
            "a in (",
            "a in (b",
            "a in (b c)",
            "a in (=)",
            "!",
            "!a=b",
            "!a in (b)",
            "a!!!",
            "a>x",
            "a>+5",
            "a>",
            "_a",
            "a=-b",
            "A.b/c=d/e",
            "A/b",
            "/b",
            "a/",
            "a/b/c",
            "a=\u{e9}",
            "a===b",
            "a=b\0c",
            "a\x0c=b",
        ] {
            assert!(!is_valid(bad.as_bytes()), "{bad:?}");
        }
        assert!(is_valid(&[b'a'; MAX_NAME]));
        assert!(!is_valid(&[b'a'; MAX_NAME + 1]));
    }
}
