//! CEL expressions, judged here and by kube-apiserver's own packages.

use kubernetes_cel::check::{Environment, Use, check};
use serde_json::{Value, json};
use tests::process::{repository, tool};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

/// The rows of the checker's tests: `environment purpose > expression`, then the lines of the refusal, if there is one.
fn rows() -> Vec<(Environment, Use, String)> {
    let rows =
        std::fs::read_to_string(repository().join("cel/src/check/tests/expressions.txt")).expect("the rows");
    let row = |line: &str| {
        let (place, expression) = line.split_once(" > ")?;
        let (environment, purpose) = match place {
            "claims mapping" => (Environment::Claims, Use::Mapping),
            "claims rule" => (Environment::Claims, Use::Rule),
            "user mapping" => (Environment::User, Use::Mapping),
            _ => return None,
        };
        Some((environment, purpose, expression.to_owned()))
    };
    rows.lines().filter_map(row).collect()
}

/// What kube-apiserver says of each: its refusal, or nothing.
async fn refusals(rows: &[(Environment, Use, String)]) -> Vec<Option<String>> {
    let mut questions = String::new();
    for (environment, purpose, expression) in rows {
        let env = if *environment == Environment::User { "user" } else { "claims" };
        let purpose = if *purpose == Use::Rule { "rule" } else { "mapping" };
        questions += &json!({"expression": expression, "env": env, "purpose": purpose}).to_string();
        questions.push('\n');
    }
    let mut oracle = Command::new(tool("cel-oracle").await)
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
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
    let refusal = |line| {
        let answer: Value = serde_json::from_str(line).expect(line);
        answer["compile_error"].as_str().map(str::to_owned)
    };
    answers.lines().map(refusal).collect()
}

#[tokio::test]
async fn expressions_are_judged_alike() {
    let rows = rows();
    let refusals = refusals(&rows).await;
    assert_eq!(rows.len(), refusals.len());
    assert!(rows.len() > 600, "{} rows", rows.len());
    for ((environment, purpose, expression), expected) in rows.iter().zip(refusals) {
        let found = check(expression, *environment, *purpose).err().map(|refusal| refusal.to_string());
        assert_eq!(found, expected, "{expression}");
    }
}
