//! The corpus of each target, and some thousand mutations of it.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "test code"
)]

use std::path::Path;

use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

/// Mutations of each file.
const MUTATIONS: usize = 60;

/// What a mutation may put in.
const PIECES: [&[u8]; 12] =
    [b"\"", b"{", b"[", b"null", b"1e400", b"\\ud800", b"\xff", b"\0", b": ", b"claims.", b"(", b"AAAA"];

#[test]
fn the_corpus_and_mutations_of_it_harm_nobody() {
    for (name, target) in fuzz::TARGETS {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name);
        let mut files: Vec<_> = std::fs::read_dir(&directory)
            .expect("the corpus")
            .map(|file| file.expect("a file").path())
            .collect();
        files.sort_unstable();
        assert!(files.len() >= 12, "the corpus of {name} is small");
        let mut random = ChaCha8Rng::seed_from_u64(1);
        for file in files {
            let bytes = std::fs::read(&file).expect("a file of the corpus");
            target(&bytes);
            for _ in 0..MUTATIONS {
                target(&mutated(bytes.clone(), &mut random));
            }
        }
    }
}

fn mutated(mut bytes: Vec<u8>, random: &mut ChaCha8Rng) -> Vec<u8> {
    for _ in 0..random.random_range(1..4) {
        let at = random.random_range(0..=bytes.len());
        match random.random_range(0..5) {
            0 if at < bytes.len() => bytes[at] = random.random(),
            1 => bytes.truncate(at),
            2 => {
                let piece = PIECES[random.random_range(0..PIECES.len())];
                bytes.splice(at..at, piece.iter().copied());
            }
            3 => {
                let end = random.random_range(at..=bytes.len());
                bytes.drain(at..end);
            }
            _ => {
                let copy = bytes[at..bytes.len().min(at + 50)].to_vec();
                bytes.splice(at..at, copy);
            }
        }
    }
    bytes
}
