//! Authorization (k8s.io/apiserver `pkg/cel/library/authz.go`): declared wherever Kubernetes has expressions, also where, as in
//! authentication, nothing hands out the authorizer that all of it begins with. So no call finds its overload.

use super::Function;
use super::kubernetes::nominal;
use crate::cost::{actual_size, scaled};
use crate::value::{EvalError, Evaluated, Value};

/// checker/decls `ListCreateBaseCost` and `StructCreateBaseCost`.
const LIST: u64 = 10;
const STRUCT: u64 = 40;

/// What hangs on an authorizer.
pub(crate) const FUNCTIONS: &[Function] = &[
    Function { name: "allowed", call: none, cost: nominal },
    Function { name: "check", call: none, cost: check },
    Function { name: "error", call: none, cost: nominal },
    Function { name: "errored", call: none, cost: nominal },
    Function { name: "fieldSelector", call: none, cost: selector },
    Function { name: "group", call: none, cost: nominal },
    Function { name: "labelSelector", call: none, cost: selector },
    Function { name: "name", call: none, cost: nominal },
    Function { name: "namespace", call: none, cost: nominal },
    Function { name: "path", call: none, cost: nominal },
    Function { name: "reason", call: none, cost: nominal },
    Function { name: "resource", call: none, cost: nominal },
    Function { name: "serviceAccount", call: none, cost: nominal },
    Function { name: "subresource", call: none, cost: nominal },
];

const fn none(_: &[Value]) -> Evaluated {
    Err(EvalError::NoOverload)
}

const fn check(_: &[Value], _: &Value) -> u64 {
    350_000
}

/// library/cost.go `selectorCostEstimate`: a selector's requirements, guessed by its length.
fn selector(args: &[Value], _: &Value) -> u64 {
    let length = args.get(1).map_or(1, actual_size);
    let requirements = scaled(length, 0.5).saturating_mul(LIST + STRUCT);
    scaled(length, 0.1).saturating_add(requirements).saturating_add(LIST)
}
