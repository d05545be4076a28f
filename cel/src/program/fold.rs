//! Comprehensions (cel-go `evalFold`).

use super::node::Fold;
use super::run::Run;
use crate::escape::unescape;
use crate::value::{EvalError, Evaluated, LazyMap, Value};

impl Run<'_> {
    pub(super) fn fold(&mut self, fold: &Fold) -> Evaluated {
        let range = self.evaluate(&fold.range)?;
        let initial = self.evaluate(&fold.initial);
        self.set(fold.accumulator, initial)?;
        match fold.second {
            None => self.one_variable(fold, &range)?,
            Some(second) => self.two_variables(fold, second, &range)?,
        }
        self.evaluate(&fold.result)
    }

    fn one_variable(&mut self, fold: &Fold, range: &Value) -> Result<(), EvalError> {
        match range {
            Value::List(list) => {
                for element in list.iter() {
                    self.set(fold.variable, Ok(element.clone()))?;
                    if !self.step(fold)? {
                        break;
                    }
                }
            }
            Value::Map(map) => {
                for key in map.entries().keys() {
                    self.set(fold.variable, Ok(key.to_value()))?;
                    if !self.step(fold)? {
                        break;
                    }
                }
            }
            // Of `claims` as a whole, the values (k8s.io/apiserver `lazy.iterator`).
            Value::Lazy(_) => {
                let variable = self.variable;
                for name in (0..variable.size()).map_while(|place| variable.name(place)) {
                    self.set(fold.variable, member(variable, name))?;
                    if !self.step(fold)? {
                        break;
                    }
                }
            }
            _ => {
                return Err(EvalError::new(format!(
                    "got '{}', expected iterable type",
                    range.go_type_name()
                )));
            }
        }
        Ok(())
    }

    fn two_variables(&mut self, fold: &Fold, second: usize, range: &Value) -> Result<(), EvalError> {
        match range {
            Value::List(list) => {
                for index in 0..list.len() {
                    let Some(element) = list.get(index) else { break };
                    let number = i64::try_from(index).map_err(|_| EvalError::no_such_overload())?;
                    self.set(fold.variable, Ok(Value::Int(number)))?;
                    self.set(second, Ok(element))?;
                    if !self.step(fold)? {
                        break;
                    }
                }
            }
            Value::Map(map) => {
                for (key, value) in map.entries() {
                    self.set(fold.variable, Ok(key.to_value()))?;
                    self.set(second, Ok(value.clone()))?;
                    if !self.step(fold)? {
                        break;
                    }
                }
            }
            // Its values are the keys, by which it is asked again.
            Value::Lazy(_) => {
                let variable = self.variable;
                for name in (0..variable.size()).map_while(|place| variable.name(place)) {
                    let key = member(variable, name);
                    let value = match &key {
                        Ok(Value::String(key)) => member(variable, key),
                        _ => Err(EvalError::no_such_overload()),
                    };
                    self.set(fold.variable, key)?;
                    self.set(second, value)?;
                    if !self.step(fold)? {
                        break;
                    }
                }
            }
            _ => {
                let name = range.go_type_name();
                return Err(EvalError::new(format!("unsupported comprehension range type: {name}")));
            }
        }
        Ok(())
    }

    /// Gathers one element, unless the condition says to stop. An error of the condition says nothing.
    fn step(&mut self, fold: &Fold) -> Result<bool, EvalError> {
        match self.evaluate(&fold.condition) {
            Ok(Value::Bool(false)) => return Ok(false),
            Err(error) if error.ends_evaluation() => return Err(error),
            _ => {}
        }
        let gathered = self.evaluate(&fold.step);
        self.set(fold.accumulator, gathered)?;
        Ok(true)
    }

    fn set(&mut self, place: usize, value: Evaluated) -> Result<(), EvalError> {
        if let Err(error) = &value
            && error.ends_evaluation()
        {
            return Err(error.clone());
        }
        let slot = self.slots.get_mut(place).ok_or_else(EvalError::no_such_overload)?;
        *slot = value;
        Ok(())
    }
}

/// The member of `claims` or `user` under a name that is escaped (k8s.io/apiserver `lazy.MapValue.Get`).
fn member(variable: &dyn LazyMap, name: &str) -> Evaluated {
    let value = unescape(name).and_then(|name| variable.get(&name));
    value.ok_or_else(|| EvalError::new(format!("no such key: {name}")))
}
