//! `make demo`: the main job before your eyes. A real Envoy with the filter, the real sidecar, an issuer and a stand-in
//! for the API server, all on loopback; then a few requests, each with what must come of it.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "that is what a demo does")]
#![expect(clippy::indexing_slicing, reason = "of JSON: what isn't there is null")]
#![expect(clippy::arithmetic_side_effects, reason = "counts lines")]

use std::process::ExitCode;

use serde_json::{Value, json};
use tests::api_server::ApiServer;
use tests::cluster::Kubectl;
use tests::gateway::{self, Gateway, GatewayOptions};
use tests::{Algorithm, Client, Issuer, Request, Response, SigningKey, Token};

/// Where a SelfSubjectReview goes: the API server says whom it takes the caller for.
const WHO_AM_I: &str = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
/// The token under which the sidecar asks the API server who may act as whom.
const OWN: &str = "token-of-the-sidecars-own-account";

#[tokio::main]
async fn main() -> ExitCode {
    let serve = match std::env::args().skip(1).collect::<Vec<_>>().as_slice() {
        [] => false,
        [flag] if flag == "--serve" => true,
        other => {
            eprintln!("demo: unknown arguments {other:?}; the only one is --serve");
            return ExitCode::from(2);
        }
    };
    let demo = Demo::start().await;
    if serve { demo.serve().await } else { demo.show().await }
}

struct Demo {
    api: ApiServer,
    gateway: Gateway,
    issuer: Issuer,
}

impl Demo {
    async fn start() -> Self {
        println!("Starting an issuer, an API server (a stand-in), jwks-sync, and Envoy with the filter ...");
        let issuer = Issuer::start_at("", SigningKey::shared(Algorithm::RS256)).await;
        let api = ApiServer::start().await;
        api.accept_as(OWN, "system:serviceaccount:kube-oidc-filter:gateway");
        api.on_access_review(|spec| {
            let target = &spec["resourceAttributes"]["name"];
            json!({"allowed": spec["user"] == "alice" && target == "bob"})
        });
        let options = GatewayOptions::new(&api, gateway::configuration(&[&issuer]));
        let gateway = options.asks_with(OWN).start().await;
        println!("  issuer      {}", issuer.url());
        println!("  gateway     {}   (Envoy, TLS; clients connect here)", gateway.url());
        println!("  API server  {}   (takes the gateway's ServiceAccount token alone)", api.url());
        Self { api, gateway, issuer }
    }

    fn token(&self, user: &str, groups: &[&str]) -> String {
        Token::of(&self.issuer).sub(user).claim("groups", json!(groups)).sign(&self.issuer.key())
    }

    async fn show(&self) -> ExitCode {
        let client = self.gateway.client();
        let (alice, bob) = (self.token("alice", &["dev", "ops"]), self.token("bob", &["audit"]));
        let forger = SigningKey::generate_rsa(Algorithm::RS256, 2048);
        let forged = Token::of(&self.issuer)
            .sub("alice")
            .sign(&forger.with_kid(self.issuer.key().kid().unwrap_or_default()));
        let mut shown = Shown::default();

        println!("\nNo token: the gateway answers itself, with a Status that kubectl can print.");
        shown.refusal(&client.get("/api/v1/pods").send().await, 401);

        println!("\nalice, in the groups dev and ops: this is whom the API server sees.");
        shown.user(&who_am_i(&client, &alice).await, "alice", &["dev", "ops", "system:authenticated"]);

        println!("\nbob, in the group audit.");
        shown.user(&who_am_i(&client, &bob).await, "bob", &["audit", "system:authenticated"]);

        println!("\nA token for alice that somebody else signed.");
        shown.refusal(&client.get("/api/v1/pods").bearer(&forged).send().await, 401);

        println!("\nalice acts as bob (`kubectl --as bob`), which the API server lets her.");
        let acting = who_am_i_request(&client, &alice).header("Impersonate-User", "bob");
        shown.user(&acting.send().await, "bob", &["system:authenticated"]);

        println!("\nbob asks to act as admin, which it does not.");
        let acting = who_am_i_request(&client, &bob).header("Impersonate-User", "admin");
        shown.refusal(&acting.send().await, 403);

        println!("\nWhat alice's token became on its way to the API server:");
        let received = self.api.requests_for(WHO_AM_I).into_iter().next();
        for (name, value) in received.iter().flat_map(|received| received.lines("")) {
            if name.starts_with("impersonate-") {
                println!("  {name}: {value}");
            } else if name == "authorization" {
                shown.check("the gateway's own token", value == format!("Bearer {}", ApiServer::TOKEN));
                println!("  {name}: Bearer <the gateway's ServiceAccount token>");
            }
        }

        if std::env::var_os("KUBECTL").is_some() || on_path("kubectl") {
            println!("\nkubectl auth whoami, with alice's token:");
            let called = self.kubectl(&alice).await.run(&["auth", "whoami"]).await;
            print!("{}", indented(&called.stdout));
            shown.check("kubectl auth whoami", called.code == Some(0) && called.stdout.contains("alice"));
        } else {
            println!("\n(kubectl is not on the PATH, so it is not shown.)");
        }
        shown.verdict()
    }

    async fn serve(&self) -> ExitCode {
        let alice = self.kubectl(&self.token("alice", &["dev", "ops"])).await;
        println!("\nUse it from another terminal, as alice (the token is good for an hour):\n");
        println!("  export KUBECONFIG={}", alice.kubeconfig().display());
        println!("  kubectl auth whoami");
        println!("\nCtrl-C ends everything.");
        match tokio::signal::ctrl_c().await {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("demo: {error}");
                ExitCode::FAILURE
            }
        }
    }

    async fn kubectl(&self, token: &str) -> Kubectl {
        if std::env::var_os("KUBECTL").is_none() {
            return Kubectl::with_program(
                "kubectl".into(),
                &self.gateway.url(),
                self.gateway.ca.pem(),
                Some(token),
            );
        }
        Kubectl::new(&self.gateway.url(), self.gateway.ca.pem(), Some(token)).await
    }
}

fn who_am_i_request(client: &Client, token: &str) -> Request {
    let review = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"});
    client.post(WHO_AM_I, &review).bearer(token)
}

async fn who_am_i(client: &Client, token: &str) -> Response {
    who_am_i_request(client, token).send().await
}

fn on_path(program: &str) -> bool {
    std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|dir| dir.join(program).is_file()))
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}\n")).collect()
}

/// What was shown, and whether it was as captioned.
#[derive(Default)]
struct Shown {
    lines: usize,
    wrong: Vec<String>,
}

impl Shown {
    fn refusal(&mut self, answer: &Response, code: u16) {
        let status: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        println!("  {} {}", answer.status, status["message"].as_str().unwrap_or("(no Status)"));
        self.check(
            "a refusal",
            answer.status == code && status["kind"] == "Status" && status["code"] == code,
        );
    }

    fn user(&mut self, answer: &Response, name: &str, groups: &[&str]) {
        let review: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let user = &review["status"]["userInfo"];
        println!("  {} username {}, groups {}", answer.status, user["username"], user["groups"]);
        self.check(name, user["username"] == name && user["groups"] == json!(groups));
    }

    fn check(&mut self, what: &str, right: bool) {
        self.lines += 1;
        if !right {
            self.wrong.push(what.to_owned());
        }
    }

    fn verdict(self) -> ExitCode {
        if self.wrong.is_empty() {
            println!("\nAll {} came out as captioned.", self.lines);
            return ExitCode::SUCCESS;
        }
        eprintln!("\nNot as captioned: {}", self.wrong.join(", "));
        ExitCode::FAILURE
    }
}
