//! The processes: issuers, sidecars, a stand-in for the API server, and an Envoy for each variant.

use std::path::{Path, PathBuf};

use authn::snapshot::Snapshot;
use rustix::process::Signal;
use serde_json::{Value, json};
use tempfile::TempDir;
use tests::api_server::ApiServer;
use tests::envoy::{Envoy, EnvoyOptions};
use tests::feed::Feed;
use tests::process::{render, repository};
use tests::{Algorithm, Client, FeedClient, Issuer, Sidecar, SigningKey, gateway, wait};

use crate::proof::PATIENCE;
use crate::traffic::Person;
use crate::variant::{Gate, Issuers, Script, Variant};

/// Issuers that a configuration may have at most: kube-apiserver's limit, and so the sidecar's.
const MOST: usize = 64;
/// Issuers of the filter with many: it has no such limit, and is to be held against one that has it further off.
const HUNDRED: usize = 100;
/// Keys that tokens are signed with; the issuer publishes all of them.
const KEYS: [Algorithm; 3] = [Algorithm::RS256, Algorithm::ES256, Algorithm::PS256];

/// What all variants share.
pub(crate) struct Rig {
    pub(crate) api_server: ApiServer,
    pub(crate) issuer: Issuer,
    one: Sidecar,
    /// One issuer, whose users are mapped and checked by expressions.
    expressions: Sidecar,
    most: Sidecar,
    /// Stands in for a sidecar with [`HUNDRED`] issuers.
    hundred: Feed,
    /// They must live as long as the sidecar that asks them.
    _others: Vec<Issuer>,
    files: TempDir,
}

/// One variant's Envoy.
pub(crate) struct Stand {
    pub(crate) envoy: Envoy,
    pub(crate) port: u16,
    pub(crate) client: Client,
    pub(crate) access_log: PathBuf,
}

impl Stand {
    pub(crate) fn process(&mut self) -> u32 {
        self.envoy.process().id().expect("Envoy runs")
    }

    /// Stops it, so that its timers don't disturb the others, until it is woken.
    pub(crate) fn rest(&mut self) {
        self.envoy.process().signal(Signal::STOP);
    }

    pub(crate) fn wake(&mut self) {
        self.envoy.process().signal(Signal::CONT);
    }
}

impl Rig {
    pub(crate) async fn start() -> Self {
        let issuer = Issuer::start_at("", SigningKey::shared(Algorithm::RS256)).await;
        let keys = KEYS.map(SigningKey::shared);
        issuer.publish(&keys.iter().collect::<Vec<_>>());
        let mut others = Vec::new();
        for number in 1..MOST {
            let keys = ["one", "two"].map(|key| keys[0].clone().with_kid(&format!("{key}-{number}")));
            let other = Issuer::start_at("", keys[0].clone()).await;
            other.add_key(&keys[1]);
            others.push(other);
        }
        let api_server = ApiServer::sink().await;
        let files = tempfile::tempdir().expect("a directory");
        std::fs::write(files.path().join("api-server.pem"), api_server.ca_pem()).expect("write a CA");
        std::fs::write(files.path().join("jwks.json"), jwks(&keys)).expect("write the JWKS");
        let one = sidecar(&[&issuer]).await;
        let expressions = sidecar_with(&[&issuer], |entry| {
            entry["claimMappings"]["username"] = json!({"expression": "claims.sub.lowerAscii()"});
            entry["claimMappings"]["groups"] = json!({"expression": "claims.groups"});
            entry["claimValidationRules"] = json!([
                {"expression": "claims.email_verified == true"}, {"expression": "claims.name.startsWith('A ')"},
            ]);
        })
        .await;
        let most = sidecar(&others.iter().chain([&issuer]).collect::<Vec<_>>()).await;
        let hundred = with_hundred_issuers(FeedClient::connect(&one.socket()).await.snapshot(None).await);
        let hundred = Feed::start(move |since| since.is_none().then(|| hundred.encode()));
        Self { api_server, issuer, one, expressions, most, hundred, _others: others, files }
    }

    /// A token of this person, as the variant wants it.
    pub(crate) fn token(&self, variant: &Variant, person: &Person) -> String {
        person.token(&self.issuer, &SigningKey::shared(variant.algorithm))
    }

    /// Starts a variant's Envoy, and waits until it serves.
    pub(crate) async fn stand(&self, variant: &Variant) -> Stand {
        let access_log = self.files.path().join(format!("{}.log", variant.name));
        // What an Envoy before this one wrote proves nothing.
        _ = std::fs::remove_file(&access_log);
        let bootstrap = self.bootstrap(variant.gate, &access_log);
        let envoy = Envoy::start(EnvoyOptions::new(bootstrap)).await;
        let port = envoy.port("bench").await;
        let client = Client::plain(port);
        if let Gate::Filter { .. } = variant.gate {
            let adopted = async || envoy.stat("wasmcustom.kube_oidc_filter.snapshots_adopted").await >= 2;
            wait::until(PATIENCE, "every VM has a snapshot", adopted).await;
        }
        Stand { envoy, port, client, access_log }
    }

    /// The bootstrap for a gate.
    fn bootstrap(&self, gate: Gate, access_log: &Path) -> String {
        self.bootstrap_with(gate, access_log, None)
    }

    /// The same, with another sidecar than the rig's.
    pub(crate) fn bootstrap_with(&self, gate: Gate, access_log: &Path, sidecar: Option<&Sidecar>) -> String {
        let text = |path: &Path| path.to_str().expect("a path of UTF-8").to_owned();
        let file = |name: &str| {
            let path = repository().join("bench/envoy").join(name);
            std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
        };
        let (filters, clusters) = match gate {
            Gate::Bare => (String::new(), String::new()),
            Gate::Native { caches, script } => {
                let cache = "jwt_cache_config: {jwt_cache_size: 20000, jwt_max_token_size: 65536}";
                let (script, claims) = match script {
                    Script::Plain => ("impersonate.lua", "payload_in_metadata: claims"),
                    Script::Remembering => ("impersonate-memo.lua", "forward: true"),
                };
                let lua = self.files.path().join(script);
                let token = [("TOKEN", ApiServer::TOKEN.to_owned())];
                std::fs::write(&lua, rendered(&file(script), &token)).expect("write a script");
                let values = [
                    ("ISSUER", self.issuer.url()),
                    ("JWKS", text(&self.files.path().join("jwks.json"))),
                    ("JWT_CACHE_CONFIG", if caches { cache.to_owned() } else { String::new() }),
                    ("LUA", text(&lua)),
                    ("CLAIMS", claims.to_owned()),
                ];
                (rendered(&without_comments(&file("native.yaml")), &values), String::new())
            }
            Gate::Floor { calls } => {
                let floor = self.module().with_file_name("bench_floor.wasm");
                let values = [("WASM_PATH", text(&floor)), ("LEVEL", calls.to_owned())];
                (rendered(&without_comments(&file("floor.yaml")), &values), String::new())
            }
            Gate::Filter { issuers } => {
                let socket = match (sidecar, issuers) {
                    (Some(sidecar), _) => sidecar.socket(),
                    (None, Issuers::One) => self.one.socket(),
                    (None, Issuers::Expressions) => self.expressions.socket(),
                    (None, Issuers::Hundred) => self.hundred.socket().to_owned(),
                };
                let values = [("WASM_PATH", text(&self.module())), ("SOCKET_PATH", text(&socket))];
                let [filter, clusters] = shipped().map(|block| rendered(&block, &values));
                (stripping(&filter), clusters)
            }
        };
        let values = [
            ("HTTP_FILTERS", filters),
            ("CLUSTERS", clusters),
            ("ACCESS_LOG", text(access_log)),
            ("APISERVER_PORT", self.api_server.port().to_string()),
            ("APISERVER_CA", text(&self.files.path().join("api-server.pem"))),
        ];
        rendered(&without_comments(&file("bench.yaml")), &values)
    }

    /// The module.
    pub(crate) fn module(&self) -> PathBuf {
        repository().join("target/wasm32-wasip1/release/kube_oidc_filter.wasm")
    }

    /// A file of this run's own.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.files.path().join(name)
    }

    /// The sidecar with as many issuers as there may be.
    pub(crate) fn biggest_sidecar(&self) -> &Sidecar {
        &self.most
    }

    /// What the API server remembers would fill the memory.
    pub(crate) fn forget_requests(&self) {
        self.api_server.clear();
    }
}

/// A sidecar that trusts these issuers, ready.
async fn sidecar(issuers: &[&Issuer]) -> Sidecar {
    sidecar_with(issuers, |_| ()).await
}

/// The same, with other `jwt[]` entries.
async fn sidecar_with(issuers: &[&Issuer], change: impl Fn(&mut Value)) -> Sidecar {
    let mut sidecar = place_with(issuers, change);
    sidecar.start(&FLAGS).await;
    sidecar
}

/// The same, not started.
pub(crate) fn place(issuers: &[&Issuer]) -> Sidecar {
    place_with(issuers, |_| ())
}

fn place_with(issuers: &[&Issuer], change: impl Fn(&mut Value)) -> Sidecar {
    // Built with this very profile, beside this very program.
    let here = std::env::current_exe().expect("the path of this program");
    let sidecar = Sidecar::new().program(&here.with_file_name("jwks-sync"));
    let mut configuration = gateway::configuration(issuers);
    for entry in configuration["jwt"].as_array_mut().expect("issuers") {
        entry["claimMappings"]["uid"] = json!({"claim": "oid"});
        change(entry);
    }
    sidecar.write("authn.json", configuration.to_string());
    sidecar.write("token", ApiServer::TOKEN);
    sidecar
}

/// How it is started.
pub(crate) const FLAGS: [&str; 4] = [
    "--authentication-config=${DIR}/authn.json",
    "--upstream-token-file=${DIR}/token",
    "--listen=unix:${SOCKET}",
    "--health-address=${HEALTH}",
];

/// A sidecar's snapshot of one issuer, with 99 others before it: each with a URL and keys of its own.
fn with_hundred_issuers(mut snapshot: Snapshot) -> Snapshot {
    let issuer = snapshot.issuers.pop().expect("an issuer");
    for number in 1..HUNDRED {
        let mut other = issuer.clone();
        other.url = format!("https://issuer-{number:03}.example.com/realms/some-realm");
        for key in other.keys.iter_mut().flat_map(|keys| &mut keys.keys) {
            key.kid = format!("{}-{number}", key.kid);
        }
        snapshot.issuers.push(other);
    }
    snapshot.issuers.push(issuer);
    snapshot
}

fn jwks(keys: &[SigningKey]) -> String {
    json!({"keys": keys.iter().map(SigningKey::jwk).collect::<Vec<Value>>()}).to_string()
}

/// From the bootstrap that is shipped: the filter, and the clusters that it needs.
fn shipped() -> [String; 2] {
    let text = std::fs::read_to_string(repository().join("envoy/envoy.yaml")).expect("envoy/envoy.yaml");
    let text = without_comments(&text);
    let split = |text: &str, start: &str| {
        let (before, behind) =
            text.split_once(start).unwrap_or_else(|| panic!("envoy.yaml has no {start:?}"));
        (before.to_owned(), format!("{start}{behind}"))
    };
    let (_, filter) = split(&text, "          - name: kube_oidc_filter\n");
    let (filter, _) = split(&filter, "          - name: envoy.filters.http.router\n");
    let (_, clusters) = split(&text, "  - name: jwks_sync_snapshots\n");
    [filter, clusters]
}

/// The filter's block, told to drop what clients ask to act as: Lua does the same, and asks nobody.
fn stripping(filter: &str) -> String {
    const LAST: &str = r#""upstreamClusters": ["kube_apiserver"]"#;
    assert!(filter.contains(LAST), "the filter's configuration has no {LAST}");
    filter.replace(LAST, &format!(r#"{LAST}, "clientImpersonation": "strip""#))
}

/// Comments may speak of `${NAME}`s.
fn without_comments(yaml: &str) -> String {
    let lines: Vec<_> = yaml.lines().filter(|line| !line.trim_start().starts_with('#')).collect();
    lines.join("\n") + "\n"
}

fn rendered(template: &str, values: &[(&str, String)]) -> String {
    let values: Vec<_> = values.iter().map(|(name, value)| (*name, value.as_str())).collect();
    render(template, &values)
}
