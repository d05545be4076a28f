//! The turns: every variant once, then again from the first, and what is made of it.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::arguments::Arguments;
use crate::cpu::{self, Cores};
use crate::results::{Figure, Numbers, Ratio, Results};
use crate::rig::{Rig, Stand};
use crate::traffic::{RUN_UP, Traffic};
use crate::variant::{COMPARISONS, VARIANTS, Variant};
use crate::{footprint, latency, load, proof};

/// What is measured apart from all variants, by its name on the command line.
const START: &str = "start";

/// What one variant cost in one turn, for each request.
#[derive(Clone, Copy, Debug)]
struct Sample {
    cpu: Duration,
    wall: Duration,
}

/// Runs what the arguments say.
pub(crate) async fn run(arguments: &Arguments) -> Results {
    let is_wanted = |variant: &&Variant| {
        arguments.only.is_empty() || arguments.only.iter().any(|name| name == variant.name)
    };
    let variants: Vec<_> = VARIANTS.iter().filter(is_wanted).collect();
    for name in &arguments.only {
        let is_known = name == START || variants.iter().any(|variant| variant.name == name);
        assert!(is_known, "no variant is called {name}");
    }
    let cores = Cores::split();
    let rig = Rig::start().await;
    // Before all the other Envoys are there.
    let is_start_wanted = arguments.only.is_empty() || arguments.only.iter().any(|name| name == START);
    let start_to_first_200_ms = if is_start_wanted { latency::start_to_first_200(&rig).await } else { 0.0 };
    if is_start_wanted {
        eprintln!("bench: started to the first 200: {start_to_first_200_ms} ms");
    }
    let mut racers = Vec::new();
    for variant in variants {
        eprintln!("bench: {}: tokens, and an Envoy", variant.name);
        racers.push(Racer::start(&rig, variant, arguments.rounds * arguments.turns).await);
    }
    for round in 1..=arguments.rounds {
        eprintln!("bench: round {round} of {}", arguments.rounds);
        for racer in &mut racers {
            if round > 1 {
                racer.take_another_envoy(&rig).await;
            }
            racer.warm_up(&rig, &cores, arguments).await;
        }
        for turn in 1..=arguments.turns {
            eprintln!("bench: turn {turn} of {}", arguments.turns);
            for racer in &mut racers {
                racer.take_turn(&rig, &cores).await;
            }
        }
    }
    let numbers = match arguments.only.as_slice() {
        [] => Some(numbers(&rig, &mut racers, start_to_first_200_ms).await),
        _ => None,
    };
    let samples: BTreeMap<_, _> =
        racers.iter().map(|racer| (racer.variant.name, racer.samples.as_slice())).collect();
    Results {
        figures: samples.iter().map(|(name, samples)| (*name, figure(samples))).collect(),
        numbers,
        ratios: ratios(&samples),
        rounds: arguments.rounds,
        turns: arguments.turns,
        cores_apart: cores.are_apart,
    }
}

/// A variant in its place.
struct Racer {
    variant: &'static Variant,
    stand: Stand,
    traffic: Traffic,
    rest_memory: u64,
    rest_rss: u64,
    samples: Vec<Sample>,
}

impl Racer {
    async fn start(rig: &Rig, variant: &'static Variant, turns: usize) -> Self {
        let traffic =
            tokio::task::block_in_place(|| Traffic::new(variant, turns, |person| rig.token(variant, person)));
        let stand = rig.stand(variant).await;
        let mut racer = Self { variant, rest_memory: 0, rest_rss: 0, stand, traffic, samples: Vec::new() };
        racer.weigh();
        racer
    }

    /// Stands in the same place with an Envoy that was just started: where a process lies in memory makes it faster or
    /// slower as long as it lives.
    async fn take_another_envoy(&mut self, rig: &Rig) {
        self.stand = rig.stand(self.variant).await;
        self.weigh();
    }

    /// Notes what Envoy takes before its first request.
    fn weigh(&mut self) {
        let process = self.stand.process();
        (self.rest_memory, self.rest_rss) = (footprint::linear_memory(process), footprint::resident(process));
    }

    /// Sends what goes before the first turn. None of it is measured.
    async fn warm_up(&mut self, rig: &Rig, cores: &Cores, arguments: &Arguments) {
        proof::check(rig, self.variant, &self.stand).await;
        let count = self.variant.requests * arguments.warm_up;
        if count > 0 {
            send(&mut self.stand, cores, count, self.traffic.warm_up(count));
        }
        self.stand.rest();
        rig.forget_requests();
    }

    /// Proves that it does its work, and measures some of that.
    async fn take_turn(&mut self, rig: &Rig, cores: &Cores) {
        self.stand.wake();
        proof::check(rig, self.variant, &self.stand).await;
        self.run(cores, RUN_UP);
        proof::was_told(self.variant, &self.stand).await;
        let before = proof::work(self.variant, &self.stand).await;
        let sample = self.run(cores, self.variant.requests);
        proof::was_done(self.variant, &self.stand, before).await;
        self.samples.push(sample);
        self.stand.rest();
        rig.forget_requests();
    }

    /// Sends so many requests, and returns what one of them cost.
    fn run(&mut self, cores: &Cores, count: usize) -> Sample {
        send(&mut self.stand, cores, count, self.traffic.next(count))
    }
}

/// Sends requests to an Envoy, and returns what one of them cost.
fn send<'r>(
    stand: &mut Stand,
    cores: &Cores,
    count: usize,
    requests: impl Iterator<Item = &'r [u8]> + Send,
) -> Sample {
    let (process, port) = (stand.process(), stand.port);
    cores.give_to_envoy(process);
    let before = cpu::run_time(process);
    // A thread of its own: the cores are taken from a thread, and this one has others' work to do.
    let wall = std::thread::scope(|scope| {
        let load = || {
            cores.take_for_load();
            load::run(port, count, requests)
        };
        tokio::task::block_in_place(|| scope.spawn(load).join().expect("the load"))
    });
    let count = u32::try_from(count).expect("not so many");
    Sample { cpu: (cpu::run_time(process) - before) / count, wall: wall / count }
}

async fn numbers(rig: &Rig, racers: &mut [Racer], start_to_first_200_ms: f64) -> Numbers {
    let mut racer = |name: &str| {
        let place =
            racers.iter().position(|racer| racer.variant.name == name).expect("a variant of that name");
        let racer = &mut racers[place];
        (racer.rest_memory, racer.rest_rss, footprint::linear_memory(racer.stand.process()))
    };
    let (_, envoy_bare_rss_bytes, _) = racer("bare");
    let (vm_linear_memory_bytes, envoy_rss_bytes, _) = racer("warm");
    let (_, _, vm_linear_memory_10k_bytes) = racer("warm_10k");
    Numbers {
        wasm_bytes: rig.module().metadata().expect("the module").len(),
        vm_linear_memory_bytes,
        vm_linear_memory_10k_bytes,
        envoy_bare_rss_bytes,
        envoy_rss_bytes,
        sidecar_rss_bytes: footprint::sidecar(rig).await,
        start_to_first_200_ms,
        publish_to_last_worker_ms: latency::publication_to_last_worker().await,
    }
}

fn figure(samples: &[Sample]) -> Figure {
    let of = |value: fn(&Sample) -> f64| sorted(samples.iter().map(value).collect());
    let cpu = of(|sample| nanoseconds(sample.cpu));
    let median = quantile(&cpu, 0.5);
    Figure {
        cpu_ns: median.round(),
        rps: (1e9 / quantile(&of(|sample| nanoseconds(sample.wall)), 0.5)).round(),
        spread: thousandths((quantile(&cpu, 0.75) - quantile(&cpu, 0.25)) / median),
    }
}

fn ratios(samples: &BTreeMap<&'static str, &[Sample]>) -> BTreeMap<String, Ratio> {
    let ratio = |comparison: &'static crate::variant::Comparison| {
        let (ours, other) = (samples.get(comparison.ours)?, samples.get(comparison.other)?);
        let pairs = ours.iter().zip(*other);
        let ratios =
            sorted(pairs.map(|(ours, other)| nanoseconds(other.cpu) / nanoseconds(ours.cpu)).collect());
        let at = |share| thousandths(quantile(&ratios, share));
        let ratio = Ratio {
            comparison: *comparison,
            median: at(0.5),
            lower_quartile: at(0.25),
            upper_quartile: at(0.75),
        };
        Some((format!("{}/{}", comparison.ours, comparison.other), ratio))
    };
    COMPARISONS.iter().filter_map(ratio).collect()
}

fn nanoseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e9
}

fn thousandths(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}

pub(crate) fn sorted(mut values: Vec<f64>) -> Vec<f64> {
    values.sort_by(f64::total_cmp);
    values
}

/// The value below which this share of the sorted values lies, between two of them in proportion.
pub(crate) fn quantile(sorted: &[f64], share: f64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a handful of turns")]
    let place = (sorted.len() - 1) as f64 * share;
    #[expect(clippy::cast_sign_loss, reason = "neither is negative")]
    let (below, above) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
    below + (above - below) * place.fract()
}

#[cfg(test)]
mod rows {
    use super::*;

    #[test]
    fn quantiles_lie_between_the_samples() {
        let values = [1.0, 2.0, 3.0, 4.0, 10.0];
        assert_eq!(
            [0.0, 0.25, 0.5, 0.625, 1.0].map(|share| quantile(&values, share)),
            [1.0, 2.0, 3.0, 3.5, 10.0]
        );
        assert_eq!(quantile(&[7.0], 0.75), 7.0);
    }

    #[test]
    fn ratios_are_taken_turn_by_turn() {
        let sample = |cpu| Sample { cpu: Duration::from_nanos(cpu), wall: Duration::from_nanos(cpu) };
        // A machine that is three times slower in the second turn changes nothing.
        let (warm, bare) = ([100, 300, 100].map(sample), [80, 240, 60].map(sample));
        let samples = BTreeMap::from([("warm", &warm[..]), ("bare", &bare[..])]);
        let ratios = ratios(&samples);
        assert_eq!(ratios.keys().collect::<Vec<_>>(), ["warm/bare"]);
        assert_eq!(ratios["warm/bare"].median, 0.8);
        let figure = figure(&warm);
        assert_eq!((figure.cpu_ns, figure.rps, figure.spread), (100.0, 10_000_000.0, 1.0));
    }
}
