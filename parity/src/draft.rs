//! A token in the making: a good one, until a twist makes it another.

use ::tests::SigningKey;
use ::tests::mint;
use serde_json::{Map, Value, json};

/// What a token is made of.
pub(crate) struct Draft {
    /// Members of the header, beside `alg` and `kid` of the key, which it may replace.
    pub(crate) header: Map<String, Value>,
    /// The header's bytes, in place of those members.
    pub(crate) header_bytes: Option<Vec<u8>>,
    /// The claims.
    pub(crate) claims: Map<String, Value>,
    /// JSON members in front of the claims, as text: for what no map holds.
    pub(crate) members: Vec<String>,
    /// The same behind them.
    pub(crate) last_members: Vec<String>,
    /// The payload's bytes, in place of claims and members.
    pub(crate) payload_bytes: Option<Vec<u8>>,
    /// Who signs.
    pub(crate) key: SigningKey,
    /// What becomes of the finished token.
    pub(crate) form: Option<fn(&str) -> String>,
    /// Rules and fields that this token is about.
    pub(crate) rules: Vec<&'static str>,
    /// The last twist was about an expression, for want of what it is for.
    pub(crate) fell_back: bool,
    /// Ids of deviations that it gives rise to.
    pub(crate) oddities: Vec<&'static str>,
}

impl Draft {
    pub(crate) fn new(claims: Map<String, Value>, key: SigningKey) -> Self {
        Self {
            header: Map::new(),
            header_bytes: None,
            claims,
            members: Vec::new(),
            last_members: Vec::new(),
            payload_bytes: None,
            key,
            form: None,
            rules: Vec::new(),
            fell_back: false,
            oddities: Vec::new(),
        }
    }

    /// Sets a claim.
    pub(crate) fn set(&mut self, name: &str, value: Value) {
        self.claims.insert(name.to_owned(), value);
    }

    /// Sets a claim, or leaves it out.
    pub(crate) fn set_or_remove(&mut self, name: &str, value: Option<Value>) {
        match value {
            Some(value) => self.set(name, value),
            None => _ = self.claims.remove(name),
        }
    }

    /// The token.
    pub(crate) fn token(&self) -> String {
        let mut header = Map::new();
        header.insert("alg".to_owned(), json!(self.key.algorithm().name()));
        header.extend(self.key.kid().map(|kid| ("kid".to_owned(), json!(kid))));
        header.extend(self.header.clone());
        let header =
            self.header_bytes.clone().unwrap_or_else(|| Value::Object(header).to_string().into_bytes());
        let token = mint::sign_bytes(&header, &self.payload(), &self.key);
        self.form.map_or_else(|| token.clone(), |form| form(&token))
    }

    /// The payload's bytes.
    pub(crate) fn payload(&self) -> Vec<u8> {
        if let Some(bytes) = &self.payload_bytes {
            return bytes.clone();
        }
        let claims = self.claims.iter().map(|(name, value)| format!("{}:{value}", json!(name)));
        let members: Vec<_> =
            self.members.iter().cloned().chain(claims).chain(self.last_members.iter().cloned()).collect();
        format!("{{{}}}", members.join(",")).into_bytes()
    }
}
