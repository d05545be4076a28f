//! What a clock and a calendar say of a moment, and how long a span is (cel-go `common/types/timestamp.go`, `duration.go`).

use std::num::IntErrorKind;

use crate::library::Function;
use crate::library::kubernetes::quote;
use crate::time::Civil;
use crate::value::{EvalError, Evaluated, Timestamp, Value};

/// The functions.
pub(crate) const FUNCTIONS: &[Function] = &[
    Function { name: "getDate", call: |args| civil(args, |civil| civil.day), cost: |_, _| 1 },
    Function {
        name: "getDayOfMonth",
        call: |args| civil(args, |civil| civil.day.saturating_sub(1)),
        cost: |_, _| 1,
    },
    Function { name: "getDayOfWeek", call: |args| civil(args, |civil| civil.weekday), cost: |_, _| 1 },
    Function { name: "getDayOfYear", call: |args| civil(args, |civil| civil.day_of_year), cost: |_, _| 1 },
    Function { name: "getFullYear", call: |args| civil(args, |civil| civil.year), cost: |_, _| 1 },
    Function {
        name: "getHours",
        call: |args| span_or(args, 3_600_000_000_000, |args| civil(args, |civil| civil.hour)),
        cost: |_, _| 1,
    },
    Function { name: "getMilliseconds", call: milliseconds, cost: |_, _| 1 },
    Function {
        name: "getMinutes",
        call: |args| span_or(args, 60_000_000_000, |args| civil(args, |civil| civil.minute)),
        cost: |_, _| 1,
    },
    Function {
        name: "getMonth",
        call: |args| civil(args, |civil| civil.month.saturating_sub(1)),
        cost: |_, _| 1,
    },
    Function {
        name: "getSeconds",
        call: |args| span_or(args, 1_000_000_000, |args| civil(args, |civil| civil.second)),
        cost: |_, _| 1,
    },
];

/// A span in whole units, if it is one.
fn span_or(args: &[Value], unit: i64, otherwise: fn(&[Value]) -> Evaluated) -> Evaluated {
    match args {
        [Value::Duration(nanos)] => Ok(Value::Int(nanos.checked_div(unit).unwrap_or_default())),
        _ => otherwise(args),
    }
}

/// Of a span all of it, of a moment those beyond its second.
fn milliseconds(args: &[Value]) -> Evaluated {
    if let [Value::Duration(nanos)] = args {
        return Ok(Value::Int(nanos / 1_000_000));
    }
    let (moment, _) = moment(args)?;
    Ok(Value::Int(i64::from(moment.nanos / 1_000_000)))
}

fn civil(args: &[Value], part: fn(Civil) -> i64) -> Evaluated {
    let (moment, offset) = moment(args)?;
    Ok(Value::Int(part(moment.civil(offset))))
}

/// A moment, and how many seconds east of UTC it is looked at.
fn moment(args: &[Value]) -> Result<(Timestamp, i64), EvalError> {
    match args {
        [Value::Timestamp(moment)] => Ok((*moment, 0)),
        [Value::Timestamp(moment), Value::String(zone)] => Ok((*moment, offset(zone)?)),
        _ => Err(EvalError::NoOverload),
    }
}

/// The offset of a time zone in seconds (cel-go `timeZone`). There is no database of names here.
fn offset(zone: &str) -> Result<i64, EvalError> {
    let Some((hours, minutes)) = zone.split_once(':') else {
        return if matches!(zone, "" | "UTC") {
            Ok(0)
        } else {
            Err(EvalError::new("timezones by name are not supported"))
        };
    };
    // Go's `strconv.Atoi`.
    let number = |text: &str| {
        text.parse::<i64>().map_err(|error| {
            let problem = match error.kind() {
                IntErrorKind::NegOverflow | IntErrorKind::PosOverflow => "value out of range",
                _ => "invalid syntax",
            };
            EvalError::new(format!("strconv.Atoi: parsing {}: {problem}", quote(text)))
        })
    };
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    let hours = hours.checked_mul(60);
    let offset = if zone.starts_with('-') {
        hours.and_then(|hours| hours.checked_sub(minutes))
    } else {
        hours.and_then(|hours| hours.checked_add(minutes))
    };
    // Beyond a few thousand years it makes no difference which error it is.
    let offset =
        offset.and_then(|offset| offset.checked_mul(60)).filter(|offset| offset.unsigned_abs() < 1 << 36);
    offset.ok_or_else(|| EvalError::new(format!("bad time zone {zone:?}")))
}
