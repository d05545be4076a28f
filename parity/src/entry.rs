//! Configurations: one `jwt[]` entry each, with the claims that please it and those that don't.

use ::tests::{SigningKey, mint};
use serde_json::{Map, Value, json};

use crate::draft::Draft;
use crate::keys::{self, Keys};
use crate::pieces::{CLAIM_RULES, LISTS, Piece, Placed, TEXTS, USER_RULES, VECTORS};
use crate::random::Random;

/// A `jwt[]` entry, its issuer's documents and keys, and what it wants of a token.
pub(crate) struct Entry {
    /// Its number in the run, also the path of its issuer.
    pub(crate) number: usize,
    /// The entry.
    pub(crate) configuration: Value,
    /// The URL of the server that it lies on.
    pub(crate) server: String,
    /// Its issuer's URL.
    pub(crate) url: String,
    /// Its audiences.
    pub(crate) audiences: Vec<String>,
    /// Path of the discovery document below the server, and the document.
    pub(crate) discovery: (String, Value),
    /// The JWKS, which lies at `/keys/{number}`.
    pub(crate) jwks: Value,
    /// Those of its keys that sign.
    pub(crate) keys: Vec<SigningKey>,
    /// The fields that it has.
    pub(crate) fields: Vec<&'static str>,
    /// The claim that the user name comes from, when it comes from one.
    pub(crate) username_claim: Option<&'static str>,
    /// The same of the groups.
    pub(crate) groups_claim: Option<&'static str>,
    /// The same of the uid.
    pub(crate) uid_claim: Option<&'static str>,
    /// Required claims with the value.
    pub(crate) required: Vec<(&'static str, &'static str)>,
    /// The expressions that have claims of their own, with the field that each stands in.
    pub(crate) placed: Vec<(&'static str, Placed)>,
}

/// How many `jwt[]` entries a file may have (k8s.io/apiserver `ValidateAuthenticationConfiguration`).
pub(crate) const ENTRIES: usize = 64;
/// Which of them is Google's.
const GOOGLES: usize = 5;
const GOOGLE: &str = "https://accounts.google.com";

const USERNAME_CLAIMS: &[&str] = &["sub", "email", "preferred_username", "example.com/name"];
const GROUPS_CLAIMS: &[&str] = &["groups", "roles", "cognito:groups"];
const UID_CLAIMS: &[&str] = &["sub", "oid"];
const REQUIRED: &[(&str, &str)] = &[("hd", "example.com"), ("tier", ""), ("acr", "\u{e9}\u{1f600}")];
const PREFIXES: &[&str] = &["", "oidc:", "-", "\u{fc}/"];
const EXTRA_KEYS: &[&str] =
    &["example.com/team", "example.com/a.b-c_d", "x.io/%2f", "example.org/~u!$&'()*+,;=:@"];

impl Entry {
    /// Makes one up. `server` is the URL below which issuers lie, `ca` who signed its certificate.
    pub(crate) fn new(number: usize, server: &str, ca: &str, random: &mut Random) -> Self {
        let mut maker = Maker { random, fields: Vec::new(), placed: Vec::new(), claims: 0 };
        let is_google = number % ENTRIES == GOOGLES;
        let url = if is_google { GOOGLE.to_owned() } else { format!("{server}/i/{number}") };
        let audiences: Vec<String> =
            (0..maker.random.below(3).max(1)).map(|at| format!("audience-{at}")).collect();
        let mut issuer = json!({"url": url, "certificateAuthority": ca, "audiences": audiences});
        maker.has(if audiences.len() > 1 { "issuer.audiences, several" } else { "issuer.audiences, one" });
        if audiences.len() > 1 || maker.random.percent(20) {
            issuer["audienceMatchPolicy"] = json!("MatchAny");
            maker.has("issuer.audienceMatchPolicy");
        }
        let mut path = format!("/i/{number}/.well-known/openid-configuration");
        if is_google {
            maker.has("issuer.url, Google's");
        }
        // Google's own server is not asked.
        if is_google || maker.random.percent(25) {
            path = format!("/d/{number}/discovery");
            issuer["discoveryURL"] = json!(format!("{server}{path}"));
            maker.has("issuer.discoveryURL");
        }
        let discovery = json!({
            "issuer": url, "jwks_uri": format!("{server}/keys/{number}"), "authorization_endpoint": format!("{url}/auth"),
            "response_types_supported": ["code"], "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
        });
        let (username, username_claim) = maker.username();
        let mut mappings = json!({"username": username});
        // Nor would its claims be, if they stood elsewhere.
        let groups_claim = if is_google { None } else { maker.groups(&mut mappings) };
        let uid_claim = maker.uid(&mut mappings);
        maker.extra(&mut mappings);
        let (rules, required) = maker.claim_rules();
        let mut configuration = json!({"issuer": issuer, "claimMappings": mappings});
        if !rules.is_empty() {
            configuration["claimValidationRules"] = json!(rules);
        }
        let rules = maker.user_rules();
        if !rules.is_empty() {
            configuration["userValidationRules"] = json!(rules);
        }
        let Keys { kind, signing, jwks } = Keys::draw(maker.random);
        if let Some(kind) = kind {
            maker.has(kind);
        }
        let Maker { fields, placed, .. } = maker;
        Self {
            number,
            configuration,
            server: server.to_owned(),
            url,
            audiences,
            discovery: (path, discovery),
            jwks,
            keys: signing,
            fields,
            username_claim,
            groups_claim,
            uid_claim,
            required,
            placed,
        }
    }

    /// Whether its issuer is the one that go-oidc knows by two names.
    pub(crate) fn is_google(&self) -> bool {
        self.url == GOOGLE
    }

    /// What is unusual about its keys, if anything is.
    pub(crate) fn kind_of_keys(&self) -> Option<&'static str> {
        self.fields.iter().find(|field| keys::KINDS.contains(field)).copied()
    }

    /// A token that it should take.
    pub(crate) fn draft(&self, random: &mut Random) -> Draft {
        let mut claims = Map::new();
        claims.insert("iss".to_owned(), json!(self.url));
        let audience = random.pick(&self.audiences).clone();
        let audience = if random.percent(50) { json!(audience) } else { json!(["other", audience]) };
        claims.insert("aud".to_owned(), audience);
        claims.insert(
            "sub".to_owned(),
            json!(random.pick(&["alice", "248289761001", "bob smith", "auth0|5f7"])),
        );
        claims.insert("exp".to_owned(), json!(mint::now() + 3600));
        if random.percent(70) {
            claims.insert("iat".to_owned(), json!(mint::now()));
        }
        if let Some(claim) = self.username_claim {
            claims.insert(
                claim.to_owned(),
                json!(random.pick(&["alice", "b.o-b@example.com", "\u{e4}\u{4e16}"])),
            );
        }
        if self.groups_claim.is_some() && random.percent(80) {
            let groups =
                [json!(["dev", "ops"]), json!([]), json!("dev"), json!(["a", "", "a"]), json!(["\u{fc},x"])];
            claims.insert(self.groups_claim.unwrap_or_default().to_owned(), random.pick(&groups).clone());
        }
        if let Some(claim) = self.uid_claim
            && claim != "sub"
        {
            claims.insert(claim.to_owned(), json!(random.pick(&["7", "5b1f-2c", ""])));
        }
        for (claim, value) in &self.required {
            claims.insert((*claim).to_owned(), json!(value));
        }
        if random.percent(30) {
            claims.insert("jti".to_owned(), json!(random.pick(&["1", "", "a\u{e9}/b"])));
        }
        if random.percent(30) {
            claims.insert("email_verified".to_owned(), json!(true));
        }
        for (_, placed) in &self.placed {
            placed.please(&mut claims, random);
        }
        Draft::new(claims, random.pick(&self.keys).clone())
    }
}

/// All fields that an entry can have.
pub(crate) fn fields() -> impl Iterator<Item = &'static str> {
    FIELDS.into_iter().chain(keys::KINDS)
}

const FIELDS: [&str; 15] = [
    "issuer.url, Google's",
    "issuer.audiences, one",
    "issuer.audiences, several",
    "issuer.audienceMatchPolicy",
    "issuer.discoveryURL",
    "claimMappings.username.claim",
    "claimMappings.username.claim, email",
    "claimMappings.username.expression",
    "claimMappings.groups.claim",
    "claimMappings.groups.expression",
    "claimMappings.uid.claim",
    "claimMappings.uid.expression",
    "claimMappings.extra",
    "claimValidationRules.claim",
    "claimValidationRules.expression",
];

/// What an entry is made with.
struct Maker<'r> {
    random: &'r mut Random,
    fields: Vec<&'static str>,
    placed: Vec<(&'static str, Placed)>,
    claims: usize,
}

impl Maker<'_> {
    fn has(&mut self, field: &'static str) {
        if !self.fields.contains(&field) {
            self.fields.push(field);
        }
    }

    /// An expression for this field.
    fn expression(&mut self, field: &'static str, pieces: &[Piece]) -> String {
        self.has(field);
        self.claims += 1;
        let is_list = std::ptr::eq(pieces, LISTS);
        let placed = if is_list && self.random.percent(30) {
            let [texts, others] = &*VECTORS;
            let vectors = if self.random.percent(85) { texts } else { others };
            self.random.pick(vectors).clone()
        } else {
            self.random.pick(pieces).placed(&format!("c{}", self.claims))
        };
        let expression = placed.expression.clone();
        self.placed.push((field, placed));
        expression
    }

    fn username(&mut self) -> (Value, Option<&'static str>) {
        if self.random.percent(50) {
            return (
                json!({"expression": self.expression("claimMappings.username.expression", TEXTS)}),
                None,
            );
        }
        let claim = *self.random.pick(USERNAME_CLAIMS);
        self.has(username_field(claim));
        (json!({"claim": claim, "prefix": self.random.pick(PREFIXES)}), Some(claim))
    }

    fn groups(&mut self, mappings: &mut Value) -> Option<&'static str> {
        if self.random.percent(15) {
            return None;
        }
        if self.random.percent(50) {
            mappings["groups"] =
                json!({"expression": self.expression("claimMappings.groups.expression", LISTS)});
            return None;
        }
        let claim = *self.random.pick(GROUPS_CLAIMS);
        self.has("claimMappings.groups.claim");
        mappings["groups"] = json!({"claim": claim, "prefix": self.random.pick(PREFIXES)});
        Some(claim)
    }

    fn uid(&mut self, mappings: &mut Value) -> Option<&'static str> {
        if self.random.percent(40) {
            return None;
        }
        if self.random.percent(50) {
            mappings["uid"] = json!({"expression": self.expression("claimMappings.uid.expression", TEXTS)});
            return None;
        }
        let claim = *self.random.pick(UID_CLAIMS);
        self.has("claimMappings.uid.claim");
        mappings["uid"] = json!({"claim": claim});
        Some(claim)
    }

    fn extra(&mut self, mappings: &mut Value) {
        if self.random.percent(60) {
            return;
        }
        let count = self.random.below(3) + 1;
        let keys = EXTRA_KEYS.iter().take(count);
        let extra: Vec<_> = keys
            .map(|key| json!({"key": key, "valueExpression": self.expression("claimMappings.extra", LISTS)}))
            .collect();
        mappings["extra"] = json!(extra);
    }

    fn claim_rules(&mut self) -> (Vec<Value>, Vec<(&'static str, &'static str)>) {
        let (mut rules, mut required) = (Vec::new(), Vec::new());
        for (claim, value) in REQUIRED {
            if self.random.percent(30) {
                self.has("claimValidationRules.claim");
                let mut rule = json!({"claim": claim});
                if !value.is_empty() {
                    rule["requiredValue"] = json!(value);
                }
                rules.push(rule);
                required.push((*claim, *value));
            }
        }
        for _ in 0..self.random.below(3) {
            let mut rule =
                json!({"expression": self.expression("claimValidationRules.expression", CLAIM_RULES)});
            if self.random.percent(50) {
                rule["message"] = json!("not for this one");
            }
            rules.push(rule);
        }
        (rules, required)
    }

    fn user_rules(&mut self) -> Vec<Value> {
        let mut rules = Vec::<Value>::new();
        if self.random.percent(50) {
            for _ in 0..=self.random.below(2) {
                let rule = json!({"expression": self.random.pick(USER_RULES), "message": "not this user"});
                if !rules.contains(&rule) {
                    rules.push(rule);
                }
            }
            self.has("userValidationRules");
        }
        rules
    }
}

/// What the mapping of the user name by a claim is counted as.
pub(crate) fn username_field(claim: &str) -> &'static str {
    if claim == "email" { "claimMappings.username.claim, email" } else { "claimMappings.username.claim" }
}
