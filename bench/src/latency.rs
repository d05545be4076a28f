//! From start to the first answer, and from a key's publication to the last worker.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::Value;
use tests::envoy::EnvoyOptions;
use tests::{ApiServer, Client, Envoy, Gateway, GatewayOptions, Issuer, Token, gateway, wait};

use crate::proof::PATIENCE;
use crate::rig::{self, Rig};
use crate::traffic::{Person, UPSTREAM};
use crate::turns::{quantile, sorted};
use crate::variant::{Gate, Issuers, VARIANTS};

/// Runs of which the median counts.
const RUNS: usize = 5;
/// Workers that a new key must reach.
const WORKERS: u32 = 4;
/// The sidecar asks an issuer once a second at most.
const BETWEEN_KEYS: Duration = Duration::from_millis(1_100);

/// Milliseconds from the start of Envoy and the sidecar, at the same moment, to the first 200.
pub(crate) async fn start_to_first_200(rig: &Rig) -> f64 {
    let mut times = Vec::new();
    for _ in 0..RUNS {
        times.push(milliseconds(one_start(rig).await));
    }
    quantile(&sorted(times), 0.5).round()
}

async fn one_start(rig: &Rig) -> Duration {
    let warm = VARIANTS.iter().find(|variant| variant.name == "warm").expect("the variant");
    let token = rig.token(warm, &Person::new(0, warm.groups));
    let mut sidecar = rig::place(&[&rig.issuer]);
    let gate = Gate::Filter { issuers: Issuers::One };
    let bootstrap = rig.bootstrap_with(gate, &rig.file("start.log"), Some(&sidecar));
    let start = Instant::now();
    let (envoy, ()) = tokio::join!(Envoy::start(EnvoyOptions::new(bootstrap)), sidecar.spawn(&rig::FLAGS));
    let client = Client::plain(envoy.port("bench").await);
    let served = async || client.get(UPSTREAM).bearer(&token).send().await.status == 200;
    wait::until(PATIENCE, "the first 200", served).await;
    start.elapsed()
}

/// Milliseconds from the moment at which the sidecar publishes a snapshot with a new key to the moment at which the last
/// of 4 workers has it in force.
pub(crate) async fn publication_to_last_worker() -> f64 {
    let api_server = ApiServer::start().await;
    let issuer = Issuer::start().await;
    let options = GatewayOptions::new(&api_server, gateway::configuration(&[&issuer]));
    let gateway = options.workers(WORKERS).start().await;
    let mut times = Vec::new();
    for _ in 0..RUNS {
        tokio::time::sleep(BETWEEN_KEYS).await;
        times.push(milliseconds(one_publication(&gateway, &issuer).await));
    }
    (quantile(&sorted(times), 0.5) * 10.0).round() / 10.0
}

/// From the time that the sidecar's log gives the publication, until each VM (one a worker, one on the main thread) has
/// counted that it took the snapshot. Both by this machine's clock. The counter is read without a pause: one look, a
/// millisecond or two, is what the figure may be too high.
async fn one_publication(gateway: &Gateway, issuer: &Issuer) -> Duration {
    let vms = u64::from(WORKERS) + 1;
    let (published, adopted) = (publications(gateway).len(), gateway.counter("snapshots_adopted").await);
    // A token by a key that nobody knows makes the sidecar fetch.
    let token = Token::of(issuer).sub("alice").sign(&issuer.rotate());
    let request = tokio::spawn(gateway.client().get("/api").bearer(&token).send());
    let begin = Instant::now();
    while gateway.counter("snapshots_adopted").await < adopted + vms {
        assert!(begin.elapsed() < PATIENCE, "not every VM has the snapshot");
    }
    let end = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970");
    assert_eq!(request.await.expect("an answer").status, 200);
    let publications = publications(gateway);
    assert_eq!(publications.len(), published + 1, "one change, one snapshot");
    let end = Duration::from_nanos((end.as_nanos() % DAY.as_nanos()) as u64);
    let start = publications[published];
    // Midnight may have passed in between.
    if end >= start { end - start } else { end + DAY - start }
}

const DAY: Duration = Duration::from_secs(86_400);

/// When the sidecar published snapshots: since midnight, UTC.
fn publications(gateway: &Gateway) -> Vec<Duration> {
    let log = gateway.sidecar.log();
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let published = lines.filter(|line| line["message"] == "snapshot published");
    published.map(|line| time_of_day(line["timestamp"].as_str().expect("a timestamp"))).collect()
}

/// Of `2026-11-22T08:02:13.123456Z`.
fn time_of_day(timestamp: &str) -> Duration {
    let time = timestamp.split('T').nth(1).and_then(|time| time.strip_suffix('Z')).expect("a time");
    let (time, fraction) = time.split_once('.').expect("microseconds");
    let seconds = time.split(':').fold(0, |sum, part| sum * 60 + part.parse::<u64>().expect("a number"));
    assert_eq!(fraction.len(), 6, "{timestamp}");
    Duration::from_secs(seconds) + Duration::from_micros(fraction.parse().expect("microseconds"))
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

#[cfg(test)]
mod rows {
    use super::*;

    #[test]
    fn a_timestamp_has_its_time_of_day() {
        assert_eq!(time_of_day("2026-11-22T08:02:13.123456Z"), Duration::from_micros(28_933_123_456));
    }
}
