//! Rows for Kubernetes' functions: an expression, its value and its cost, as kube-apiserver 1.36 has them. Each is a chain
//! of calls with constants, for which a few lines are enough to evaluate it.

use std::rc::Rc;

use super::*;
use crate::library::{cidr, format, ip, quantity, semver, url};
use crate::value::Key;

/// Holds each expression against the value that is expected, or the error, and the cost.
#[track_caller]
pub(crate) fn assert_rows(rows: &[(&str, &str, u64)]) {
    for (expression, value, cost) in rows {
        let found = evaluate(expression);
        assert_eq!((found.0.as_str(), found.1), (*value, *cost), "{expression}");
    }
}

/// The value of an expression as text, and the cost.
pub(crate) fn evaluate(expression: &str) -> (String, u64) {
    let mut reader = Reader { rest: expression, cost: 0 };
    let evaluated = reader.equality();
    assert!(evaluated.is_err() || reader.rest.is_empty(), "{expression}");
    (show(&evaluated), reader.cost)
}

/// Calls a function.
pub(crate) fn call(name: &str, args: &[Value]) -> Evaluated {
    (function(name).call)(args)
}

/// A value as text, or the error.
pub(crate) fn show(evaluated: &Evaluated) -> String {
    match evaluated {
        Err(error) => format!("error: {error}"),
        Ok(value) => show_value(value),
    }
}

fn show_value(value: &Value) -> String {
    match value {
        Value::Bool(value) => value.to_string(),
        Value::Cidr(cidr) => cidr.to_string(),
        Value::Double(value) => format!("{value:?}"),
        Value::Format(format) => format!("{format:?}"),
        Value::Int(value) => value.to_string(),
        Value::Ip(ip) => ip.to_string(),
        Value::List(list) => {
            let elements: Vec<_> = list.elements().iter().map(show_value).collect();
            format!("[{}]", elements.join(", "))
        }
        Value::Map(map) => {
            let entries = map.entries().iter().map(|(key, value)| match key {
                Key::String(key) => format!("'{key}': {}", show_value(value)),
                other => format!("{other:?}"),
            });
            format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
        }
        Value::Optional(None) => "none".to_owned(),
        Value::Optional(Some(value)) => format!("some {}", show_value(value)),
        Value::Quantity(_) => "quantity".to_owned(),
        Value::Semver(_) => "semver".to_owned(),
        Value::String(text) => format!("'{text}'"),
        Value::Url(url) => url.to_string(),
        other => format!("{other:?}"),
    }
}

fn function(name: &str) -> &'static Function {
    let tables = [
        FUNCTIONS,
        cidr::FUNCTIONS,
        format::FUNCTIONS,
        ip::FUNCTIONS,
        quantity::FUNCTIONS,
        semver::FUNCTIONS,
        url::FUNCTIONS,
    ];
    let found: Vec<_> = tables.into_iter().flatten().filter(|function| function.name == name).collect();
    assert_eq!(found.len(), 1, "{name}");
    found[0]
}

struct Reader<'a> {
    rest: &'a str,
    cost: u64,
}

impl Reader<'_> {
    /// `chain`, or `chain == chain`.
    fn equality(&mut self) -> Evaluated {
        let left = self.chain()?;
        if !self.eat(" == ") {
            return Ok(left);
        }
        let right = self.chain()?;
        self.cost = self.cost.saturating_add(1);
        let is_equal = match (&left, &right) {
            (Value::Cidr(left), Value::Cidr(right)) => left == right,
            (Value::Format(left), Value::Format(right)) => left == right,
            (Value::Ip(left), Value::Ip(right)) => left == right,
            (Value::Quantity(left), Value::Quantity(right)) => left.equals(right)?,
            (Value::Semver(left), Value::Semver(right)) => left == right,
            (Value::Url(left), Value::Url(right)) => left == right,
            other => panic!("{other:?}"),
        };
        Ok(Value::Bool(is_equal))
    }

    /// `f(x)`, `f(x).g(y)`, or a constant.
    fn chain(&mut self) -> Evaluated {
        let mut value = self.primary()?;
        while self.eat(".") {
            let name = self.name();
            value = self.call(&name, Some(value))?;
        }
        Ok(value)
    }

    fn primary(&mut self) -> Evaluated {
        if self.eat("\"") {
            return Ok(Value::String(self.text().into()));
        }
        let name = self.name();
        match name.as_str() {
            "true" => Ok(Value::Bool(true)),
            "false" => Ok(Value::Bool(false)),
            number if number.parse::<i64>().is_ok() => Ok(Value::Int(number.parse().unwrap())),
            _ => self.call(&name, None),
        }
    }

    fn name(&mut self) -> String {
        let is_end = |c: char| !(c.is_alphanumeric() || c == '.' || c == '-');
        let end = self.rest.find(is_end).unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(end);
        self.rest = rest;
        name.to_owned()
    }

    fn call(&mut self, name: &str, target: Option<Value>) -> Evaluated {
        assert!(self.eat("("), "{name}");
        // The one name that is another function as a method.
        let name = if name == "ip" && target.is_some() { ".ip" } else { name };
        let mut args: Vec<Value> = target.into_iter().collect();
        while !self.eat(")") {
            args.push(self.chain()?);
            self.eat(", ");
        }
        let function = function(name);
        let evaluated = (function.call)(&args);
        let cost = (function.cost)(&args, evaluated.as_ref().unwrap_or(&Value::Null));
        self.cost = self.cost.saturating_add(cost);
        evaluated
    }

    fn text(&mut self) -> String {
        let mut text = String::new();
        let mut characters = self.rest.chars();
        loop {
            match characters.next().unwrap() {
                '"' => break,
                '\\' => text.push(match characters.next().unwrap() {
                    'n' => '\n',
                    't' => '\t',
                    'u' => {
                        let code = characters.by_ref().take(4).collect::<String>();
                        char::from_u32(u32::from_str_radix(&code, 16).unwrap()).unwrap()
                    }
                    other => other,
                }),
                other => text.push(other),
            }
        }
        self.rest = characters.as_str();
        text
    }

    fn eat(&mut self, token: &str) -> bool {
        self.rest.strip_prefix(token).map(|rest| self.rest = rest).is_some()
    }
}

#[test]
fn values_of_other_types_have_no_overload() {
    let text = |text: &str| Value::String(Rc::from(text));
    let quantity = || call("quantity", &[text("1")]).unwrap();
    for (name, args) in [
        ("add", vec![quantity(), Value::Double(1.0)]),
        ("cidr", vec![call("cidr", &[text("10.0.0.0/8")]).unwrap()]),
        ("compareTo", vec![call("semver", &[text("1.0.0")]).unwrap(), quantity()]),
        ("compareTo", vec![text("1"), text("1")]),
        ("containsIP", vec![call("ip", &[text("10.0.0.1")]).unwrap(), text("10.0.0.1")]),
        ("format.uuid", vec![Value::Null]),
        ("getHost", vec![text("https://a")]),
        ("ip", vec![Value::Int(1)]),
        ("ip", vec![text("1.2.3.4"), text("1.2.3.4")]),
        ("isLessThan", vec![]),
        ("isSemver", vec![text("1.0.0"), Value::Int(1)]),
        ("major", vec![text("1.2.3")]),
        ("url", vec![Value::Null]),
        ("validate", vec![text("a"), text("a")]),
    ] {
        assert_eq!(show(&call(name, &args)), "error: no such overload", "{name}");
    }
}
