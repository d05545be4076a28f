//! The macros: what `has`, `all` and the others stand for (cel-go `parser/macro.go`, `cel/library.go`,
//! `ext/comprehensions.go`, `ext/lists.go`).
//!
//! Nodes get their numbers when they are made, operands first, and all stand where the macro's parenthesis opens.

use super::ids::Ids;
use crate::ast::{Call, Comprehension, Element, Expr, ExprKind, Id, Literal, MapEntry, Select, StructField};

/// Name of what a comprehension gathers. No expression can name it.
const RESULT: &str = "@result";

/// Its name in older versions, which stays forbidden.
const OLD_RESULT: &str = "__result__";

/// Name of an element that nobody asks for.
const UNUSED: &str = "#unused";

/// Name of the list that `sortBy` sorts.
const SORT_INPUT: &str = "@__sortBy_input__";

/// What is wrong with a macro's arguments, and where.
#[derive(Debug)]
pub(super) struct Wrong {
    pub(super) offset: u32,
    pub(super) message: String,
}

/// A macro.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Macro {
    All,
    AllWithTwo,
    Exists,
    ExistsOne,
    ExistsOneWithTwo,
    ExistsWithTwo,
    Filter,
    Has,
    Map,
    OptFlatMap,
    OptMap,
    SortBy,
    TransformList,
    TransformMap,
    TransformMapEntry,
}

impl Macro {
    /// The macro of that name with so many arguments.
    pub(super) fn find(function: &str, has_target: bool, args: usize) -> Option<Self> {
        Some(match (function, has_target, args) {
            ("has", false, 1) => Self::Has,
            ("all", true, 2) => Self::All,
            ("all", true, 3) => Self::AllWithTwo,
            ("exists", true, 2) => Self::Exists,
            ("exists", true, 3) => Self::ExistsWithTwo,
            // With one variable, `existsOne` is none of cel-go's `StandardMacros`.
            ("exists_one", true, 2) => Self::ExistsOne,
            ("exists_one" | "existsOne", true, 3) => Self::ExistsOneWithTwo,
            ("map", true, 2 | 3) => Self::Map,
            ("filter", true, 2) => Self::Filter,
            ("optMap", true, 2) => Self::OptMap,
            ("optFlatMap", true, 2) => Self::OptFlatMap,
            ("sortBy", true, 2) => Self::SortBy,
            ("transformList", true, 3 | 4) => Self::TransformList,
            ("transformMap", true, 3 | 4) => Self::TransformMap,
            ("transformMapEntry", true, 3 | 4) => Self::TransformMapEntry,
            _ => return None,
        })
    }
}

/// Makes the nodes of an expansion.
pub(super) struct Expander<'a> {
    ids: &'a mut Ids,
    /// Where the macro stands.
    offset: u32,
}

/// The variables of a comprehension.
struct Variables {
    first: Box<str>,
    second: Option<Box<str>>,
}

impl<'a> Expander<'a> {
    pub(super) fn new(ids: &'a mut Ids, id: Id) -> Self {
        let offset = ids.offset(id);
        Self { ids, offset }
    }

    pub(super) fn expand(
        &mut self,
        which: Macro,
        target: Option<Expr>,
        args: Vec<Expr>,
    ) -> Result<Expr, Wrong> {
        let mut args = args.into_iter();
        let mut next = || args.next().unwrap_or(Expr { id: 0, kind: ExprKind::Literal(Literal::Null) });
        let first = next();
        let Some(target) = target else { return self.has(first) };
        let second = next();
        let third = args.next();
        let fourth = args.next();
        match (which, third) {
            (Macro::All | Macro::Exists | Macro::ExistsOne, _) => {
                let variable = self.one_variable(&first, "argument must be a simple name")?;
                Ok(self.quantifier(which, target, variable, second))
            }
            (Macro::AllWithTwo | Macro::ExistsWithTwo | Macro::ExistsOneWithTwo, Some(predicate)) => {
                let variables = self.two_variables(&first, &second)?;
                Ok(self.quantifier(which, target, variables, predicate))
            }
            (Macro::Map, None) => self.map(target, &first, None, second),
            (Macro::Map, Some(transform)) => self.map(target, &first, Some(second), transform),
            (Macro::Filter, _) => self.filter(target, first, second),
            (Macro::OptMap | Macro::OptFlatMap, _) => self.opt_map(which, target, &first, second),
            (Macro::SortBy, _) => self.sort_by(target, &first, second),
            (Macro::TransformList | Macro::TransformMap | Macro::TransformMapEntry, Some(third)) => {
                let variables = self.two_variables(&first, &second)?;
                let (filter, transform) = match fourth {
                    Some(transform) => (Some(third), transform),
                    None => (None, third),
                };
                Ok(self.transform(which, target, variables, filter, transform))
            }
            // `find` gives no macro fewer arguments.
            _ => Err(self.wrong(&first, "invalid arguments of a macro")),
        }
    }

    fn has(&mut self, argument: Expr) -> Result<Expr, Wrong> {
        match argument.kind {
            ExprKind::Select(select) => Ok(self.node(ExprKind::Select(Select { test_only: true, ..select }))),
            _ => Err(self.wrong(&argument, "invalid argument to has() macro")),
        }
    }

    fn quantifier(&mut self, which: Macro, range: Expr, variables: Variables, predicate: Expr) -> Expr {
        match which {
            Macro::All | Macro::AllWithTwo => {
                let init = self.constant(Literal::Bool(true));
                let result = self.result();
                let condition = self.call("@not_strictly_false", vec![result]);
                let result = self.result();
                let step = self.call("_&&_", vec![result, predicate]);
                let result = self.result();
                self.comprehension(range, variables, init, condition, step, result)
            }
            Macro::Exists | Macro::ExistsWithTwo => {
                let init = self.constant(Literal::Bool(false));
                let result = self.result();
                let not = self.call("!_", vec![result]);
                let condition = self.call("@not_strictly_false", vec![not]);
                let result = self.result();
                let step = self.call("_||_", vec![result, predicate]);
                let result = self.result();
                self.comprehension(range, variables, init, condition, step, result)
            }
            _ => {
                let init = self.constant(Literal::Int(0));
                let condition = self.constant(Literal::Bool(true));
                let counted = self.result();
                let one = self.constant(Literal::Int(1));
                let more = self.call("_+_", vec![counted, one]);
                let same = self.result();
                let step = self.call("_?_:_", vec![predicate, more, same]);
                let counted = self.result();
                let one = self.constant(Literal::Int(1));
                let result = self.call("_==_", vec![counted, one]);
                self.comprehension(range, variables, init, condition, step, result)
            }
        }
    }

    fn map(
        &mut self,
        range: Expr,
        variable: &Expr,
        filter: Option<Expr>,
        transform: Expr,
    ) -> Result<Expr, Wrong> {
        let variable = self.one_variable(variable, "argument is not an identifier")?;
        let init = self.list(Vec::new());
        let condition = self.constant(Literal::Bool(true));
        let step = self.appended(transform);
        let step = self.filtered(filter, step);
        let result = self.result();
        Ok(self.comprehension(range, variable, init, condition, step, result))
    }

    fn filter(&mut self, range: Expr, element: Expr, predicate: Expr) -> Result<Expr, Wrong> {
        let variable = self.one_variable(&element, "argument is not an identifier")?;
        let init = self.list(Vec::new());
        let condition = self.constant(Literal::Bool(true));
        let step = self.appended(element);
        let step = self.filtered(Some(predicate), step);
        let result = self.result();
        Ok(self.comprehension(range, variable, init, condition, step, result))
    }

    fn opt_map(&mut self, which: Macro, target: Expr, variable: &Expr, value: Expr) -> Result<Expr, Wrong> {
        let ExprKind::Ident(name) = &variable.kind else {
            let function = if which == Macro::OptMap { "optMap" } else { "optFlatMap" };
            let message = format!("{function}() variable name must be a simple identifier");
            return Err(self.wrong(variable, &message));
        };
        let again = target.clone();
        let has_value = self.member_call("hasValue", target, Vec::new());
        let range = self.list(Vec::new());
        let again = self.copy(again);
        let init = self.member_call("value", again, Vec::new());
        let condition = self.constant(Literal::Bool(false));
        let step = self.node(ExprKind::Ident(name.clone()));
        let mapped = self.bound(range, name, init, condition, step, value);
        let mapped = if which == Macro::OptMap { self.call("optional.of", vec![mapped]) } else { mapped };
        let none = self.call("optional.none", Vec::new());
        Ok(self.call("_?_:_", vec![has_value, mapped, none]))
    }

    fn sort_by(&mut self, target: Expr, variable: &Expr, key: Expr) -> Result<Expr, Wrong> {
        let input = self.node(ExprKind::Ident(SORT_INPUT.into()));
        if matches!(target.kind, ExprKind::Literal(_) | ExprKind::Map(_) | ExprKind::Struct(_)) {
            return Err(self.wrong(
                &target,
                "sortBy can only be applied to a list, identifier, comprehension, call or select expression",
            ));
        }
        let range = self.copy(input.clone());
        let keys = self.map(range, variable, None, key)?;
        let list = self.copy(input.clone());
        let sorted = self.member_call("@sortByAssociatedKeys", list, vec![keys]);
        let range = self.list(Vec::new());
        let condition = self.constant(Literal::Bool(false));
        Ok(self.bound(range, SORT_INPUT, target, condition, input, sorted))
    }

    fn transform(
        &mut self,
        which: Macro,
        range: Expr,
        variables: Variables,
        filter: Option<Expr>,
        transform: Expr,
    ) -> Expr {
        let step = match which {
            Macro::TransformList => self.appended(transform),
            Macro::TransformMap => {
                let result = self.result();
                let key = self.node(ExprKind::Ident(variables.first.clone()));
                self.call("cel.@mapInsert", vec![result, key, transform])
            }
            _ => {
                let result = self.result();
                self.call("cel.@mapInsert", vec![result, transform])
            }
        };
        let step = self.filtered(filter, step);
        let init = match which {
            Macro::TransformList => self.list(Vec::new()),
            _ => self.node(ExprKind::Map(Vec::new())),
        };
        let condition = self.constant(Literal::Bool(true));
        let result = self.result();
        self.comprehension(range, variables, init, condition, step, result)
    }

    /// What was gathered, and that.
    fn appended(&mut self, element: Expr) -> Expr {
        let result = self.result();
        let list = self.list(vec![element]);
        self.call("_+_", vec![result, list])
    }

    /// A step that is only taken if a predicate holds.
    fn filtered(&mut self, filter: Option<Expr>, step: Expr) -> Expr {
        let Some(filter) = filter else { return step };
        let result = self.result();
        self.call("_?_:_", vec![filter, step, result])
    }

    fn one_variable(&self, variable: &Expr, otherwise: &str) -> Result<Variables, Wrong> {
        let first = self.simple_name(variable, otherwise)?;
        self.not_the_result(variable, &first)?;
        Ok(Variables { first, second: None })
    }

    fn two_variables(&self, first: &Expr, second: &Expr) -> Result<Variables, Wrong> {
        let key = self.simple_name(first, "argument must be a simple name")?;
        let value = self.simple_name(second, "argument must be a simple name")?;
        if key == value {
            return Err(self.wrong(second, &format!("duplicate variable name: {key}")));
        }
        self.not_the_result(first, &key)?;
        self.not_the_result(second, &value)?;
        Ok(Variables { first: key, second: Some(value) })
    }

    fn simple_name(&self, expr: &Expr, otherwise: &str) -> Result<Box<str>, Wrong> {
        match &expr.kind {
            ExprKind::Ident(name) => Ok(name.clone()),
            _ => Err(self.wrong(expr, otherwise)),
        }
    }

    fn not_the_result(&self, expr: &Expr, name: &str) -> Result<(), Wrong> {
        if matches!(name, RESULT | OLD_RESULT) {
            return Err(self.wrong(expr, "iteration variable overwrites accumulator variable"));
        }
        Ok(())
    }

    fn wrong(&self, expr: &Expr, message: &str) -> Wrong {
        Wrong { offset: self.ids.offset(expr.id), message: message.to_owned() }
    }

    fn comprehension(
        &mut self,
        iter_range: Expr,
        variables: Variables,
        accu_init: Expr,
        loop_condition: Expr,
        loop_step: Expr,
        result: Expr,
    ) -> Expr {
        self.node(ExprKind::Comprehension(Box::new(Comprehension {
            iter_range,
            iter_var: variables.first,
            iter_var2: variables.second,
            accu_var: RESULT.into(),
            accu_init,
            loop_condition,
            loop_step,
            result,
        })))
    }

    /// A comprehension that goes through nothing: it only gives a value a name.
    fn bound(
        &mut self,
        iter_range: Expr,
        name: &str,
        accu_init: Expr,
        loop_condition: Expr,
        loop_step: Expr,
        result: Expr,
    ) -> Expr {
        self.node(ExprKind::Comprehension(Box::new(Comprehension {
            iter_range,
            iter_var: UNUSED.into(),
            iter_var2: None,
            accu_var: name.into(),
            accu_init,
            loop_condition,
            loop_step,
            result,
        })))
    }

    fn result(&mut self) -> Expr {
        self.node(ExprKind::Ident(RESULT.into()))
    }

    fn constant(&mut self, literal: Literal) -> Expr {
        self.node(ExprKind::Literal(literal))
    }

    fn list(&mut self, elements: Vec<Expr>) -> Expr {
        let elements = elements.into_iter().map(|value| Element { value, optional: false });
        self.node(ExprKind::List(elements.collect()))
    }

    fn call(&mut self, function: &str, args: Vec<Expr>) -> Expr {
        self.node(ExprKind::Call(Call { function: function.into(), target: None, args }))
    }

    fn member_call(&mut self, function: &str, target: Expr, args: Vec<Expr>) -> Expr {
        let target = Some(Box::new(target));
        self.node(ExprKind::Call(Call { function: function.into(), target, args }))
    }

    fn node(&mut self, kind: ExprKind) -> Expr {
        Expr { id: self.ids.next(self.offset), kind }
    }

    /// The same with numbers of its own, which stand where the first ones do (cel-go `exprHelper.Copy`).
    fn copy(&mut self, mut expr: Expr) -> Expr {
        self.renumber(&mut expr);
        expr
    }

    fn renumber(&mut self, expr: &mut Expr) {
        let offset = self.ids.offset(expr.id);
        expr.id = self.ids.next(offset);
        match &mut expr.kind {
            ExprKind::Literal(_) | ExprKind::Ident(_) => {}
            ExprKind::Select(select) => self.renumber(&mut select.operand),
            ExprKind::Call(call) => {
                call.args.iter_mut().for_each(|arg| self.renumber(arg));
                if let Some(target) = &mut call.target {
                    self.renumber(target);
                }
            }
            ExprKind::List(elements) => {
                elements.iter_mut().for_each(|element| self.renumber(&mut element.value));
            }
            ExprKind::Map(entries) => {
                for MapEntry { id, key, value, .. } in entries {
                    *id = self.ids.next(self.offset);
                    self.renumber(key);
                    self.renumber(value);
                }
            }
            ExprKind::Struct(message) => {
                for StructField { id, value, .. } in &mut message.fields {
                    *id = self.ids.next(self.offset);
                    self.renumber(value);
                }
            }
            ExprKind::Comprehension(comprehension) => {
                self.renumber(&mut comprehension.iter_range);
                self.renumber(&mut comprehension.accu_init);
                self.renumber(&mut comprehension.loop_condition);
                self.renumber(&mut comprehension.loop_step);
                self.renumber(&mut comprehension.result);
            }
        }
    }
}
