//! CEL expressions, judged by kube-apiserver's own packages: that the rows and vectors of `cel/` say what they say.

use std::process::Stdio;

use serde_json::{Value, json};
use tests::process::{repository, tool};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

/// What the packages say of each case.
async fn answers(cases: &[Value]) -> Vec<Value> {
    let questions: String = cases.iter().map(|case| format!("{case}\n")).collect();
    let mut oracle = Command::new(tool("cel-oracle").await)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("cel-oracle");
    let mut input = oracle.stdin.take().expect("its input");
    // Both at once: neither pipe may fill up.
    let ask = async move { input.write_all(questions.as_bytes()).await.expect("questions") };
    let ((), output) = tokio::join!(ask, oracle.wait_with_output());
    let output = output.expect("answers");
    assert!(output.status.success(), "cel-oracle: {}", output.status);
    let answers = String::from_utf8(output.stdout).expect("JSON");
    answers.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
}

/// The rows of the type checker: `environment purpose > expression`, then the lines of the refusal, if there is one.
#[tokio::test]
async fn rows_of_the_checker_are_kubernetes_own() {
    let path = repository().join("cel/src/check/tests/expressions.txt");
    let rows = std::fs::read_to_string(path).expect("the rows");
    let head = |line: &str| {
        let (place, expression) = line.split_once(" > ")?;
        let (env, purpose) = place.split_once(' ')?;
        let is_place = matches!(env, "claims" | "user") && matches!(purpose, "mapping" | "rule");
        is_place.then(|| json!({"expression": expression, "env": env, "purpose": purpose}))
    };
    let (mut cases, mut expected) = (Vec::new(), Vec::<Vec<&str>>::new());
    for line in rows.lines() {
        match (head(line), expected.last_mut()) {
            (Some(case), _) => {
                cases.push(case);
                expected.push(Vec::new());
            }
            (None, Some(refusal)) => refusal.push(line),
            (None, None) => panic!("a refusal of nothing: {line}"),
        }
    }
    assert!(cases.len() > 600, "{} rows", cases.len());
    for ((case, answer), refusal) in cases.iter().zip(answers(&cases).await).zip(expected) {
        let refusal = refusal.join("\n");
        assert_eq!(answer["compile_error"].as_str().unwrap_or_default(), refusal, "{case}");
    }
}

#[tokio::test]
async fn vectors_are_kubernetes_own() {
    let directory = repository().join("cel/tests/vectors");
    let mut cases = Vec::new();
    for file in std::fs::read_dir(directory).expect("the vectors") {
        let text = std::fs::read_to_string(file.expect("a file").path()).expect("vectors");
        cases.extend(text.lines().map(|line| serde_json::from_str::<Value>(line).expect(line)));
    }
    assert!(cases.len() > 6_000, "{} vectors", cases.len());
    for (case, answer) in cases.iter().zip(answers(&cases).await) {
        for part in ["compile_error", "value", "strings", "refused", "cost"] {
            assert_eq!(case[part], answer[part], "{part} of {case}");
        }
        // Go's own panics end in other words each time.
        assert_eq!(case["error"].is_null(), answer["error"].is_null(), "{case}");
    }
}
