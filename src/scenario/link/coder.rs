//! Writes and reads choices between two, each in as many bits as it is a surprise: a binary range coder under a
//! model that learns.
//!
//! Whoever codes a choice names some contexts in which it stands. Each context has a counter: how likely a 1 was there so
//! far, and how often it was asked. The counters' estimates are mixed in the logistic domain, by weights that learn too
//! (Mahoney's PAQ; here in its smallest form). Reader and writer learn the same from what went before. All of it is whole
//! numbers, so it is the same bits on every machine: nothing here may change without a new version of the links.

/// How many contexts each choice has.
pub(super) const CONTEXTS: usize = 6;
/// One for each kind of thing that is coded: each has its own weights.
pub(super) const SETS: usize = 16;
/// A context's weight depends on how often it was asked: never, once, … so often or more.
const TRUST: usize = 8;
/// Counters, a power of two; contexts find theirs by hash.
const COUNTERS_BITS: u32 = 19;
/// After so many times a counter forgets as fast as it learns.
const MEMORY: u32 = 250;
/// How fast weights learn.
const RATE: i32 = 14;
/// A weight of 1, and the largest.
const ONE: i32 = 1 << 16;
const MOST: i32 = ONE << 6;

/// Which way choices go.
enum Way<'a> {
    /// Into nothing: the model learns.
    Learn,
    Write(Vec<u8>),
    /// What is left to read, and how many bytes were read beyond the end.
    Read(&'a [u8], u32),
}

/// A model, and where its choices go to or come from.
pub(super) struct Coder<'a> {
    way: Way<'a>,
    low: u32,
    high: u32,
    code: u32,
    /// 22 bits of probability, 10 of count.
    counters: Vec<u32>,
    weights: Vec<i32>,
    stretched: Vec<i16>,
}

/// Joins two numbers to the name of a context.
pub(super) fn join(a: u32, b: u32) -> u32 {
    (a.rotate_left(11) ^ b.wrapping_add(0x9E37_79B9))
        .wrapping_mul(0x85EB_CA6B)
        .rotate_left(15)
        .wrapping_mul(0xC2B2_AE35)
}

/// The logistic function: from -2047..=2047, in 1/256, to a probability in 1/4096.
fn squash(x: i32) -> i32 {
    const AT: [i32; 33] = [
        1, 2, 3, 6, 10, 16, 27, 45, 73, 120, 194, 310, 488, 747, 1101, 1546, 2047, 2549, 2994, 3348, 3607, 3785, 3901,
        3975, 4022, 4050, 4068, 4079, 4085, 4089, 4092, 4093, 4094,
    ];
    let x = x.clamp(-2047, 2047);
    let (at, part) = (((x >> 7) + 16) as usize, x & 127);
    (AT[at] * (128 - part) + AT[at + 1] * part + 64) >> 7
}

impl<'a> Coder<'a> {
    /// One that has learnt nothing.
    pub(super) fn new() -> Self {
        // The inverse of `squash`.
        let mut stretched = vec![2047; 4096];
        let mut from = 0;
        for x in -2047..=2047 {
            let p = squash(x) as usize;
            for entry in stretched.iter_mut().take(p + 1).skip(from) {
                *entry = x as i16;
            }
            from = from.max(p + 1);
        }
        Coder {
            way: Way::Learn,
            low: 0,
            high: u32::MAX,
            code: 0,
            counters: vec![1 << 31; 1 << COUNTERS_BITS],
            weights: vec![ONE / 4; SETS * CONTEXTS * TRUST],
            stretched,
        }
    }

    /// From here on choices are written.
    pub(super) fn write(&mut self) {
        self.way = Way::Write(Vec::new());
    }

    /// From here on choices are read.
    pub(super) fn read(&mut self, bytes: &'a [u8]) {
        self.way = Way::Read(bytes, 0);
        for _ in 0..4 {
            self.shift_in();
        }
    }

    fn shift_in(&mut self) {
        if let Way::Read(bytes, beyond) = &mut self.way {
            let byte = match bytes.split_first() {
                Some((&byte, rest)) => {
                    *bytes = rest;
                    byte
                }
                None => {
                    *beyond += 1;
                    0
                }
            };
            self.code = self.code << 8 | u32::from(byte);
        }
    }

    /// Whether what is read goes on beyond the end of the bytes, where nothing but zeros is.
    pub(super) fn exhausted(&self) -> bool {
        matches!(self.way, Way::Read(_, beyond) if beyond > 4)
    }

    /// Whether all bytes were read.
    pub(super) fn at_end(&self) -> bool {
        matches!(self.way, Way::Read([], _))
    }

    /// What was written, as short as it still reads back, zeros being understood behind it.
    pub(super) fn finish(self) -> Vec<u8> {
        let Way::Write(mut out) = self.way else { return Vec::new() };
        // So many bytes of the upper end, zeros behind them, lie within.
        let within = |bytes: &u32| !(u64::from(u32::MAX) >> (8 * bytes)) as u32 & self.high >= self.low;
        let bytes = (0..4).find(within).unwrap_or(4);
        out.extend_from_slice(&self.high.to_be_bytes()[..bytes as usize]);
        out
    }

    /// Codes a choice: the one that is given, or, where it reads, the one that comes out.
    pub(super) fn bit(&mut self, set: usize, contexts: &[u32; CONTEXTS], given: bool) -> bool {
        let mut places = [(0, 0, 0); CONTEXTS];
        let mut sum = 0i64;
        for (i, &context) in contexts.iter().enumerate() {
            let slot = (context.wrapping_mul(0x9E37_79B1) >> (32 - COUNTERS_BITS)) as usize;
            let counter = self.counters[slot];
            let input = i32::from(self.stretched[(counter >> 20) as usize]);
            let trust = (counter & 1023).min(TRUST as u32 - 1) as usize;
            let weight = (set * CONTEXTS + i) * TRUST + trust;
            sum += i64::from(input) * i64::from(self.weights[weight]);
            places[i] = (slot, weight, input);
        }
        let p = squash((sum >> 16).clamp(-2047, 2047) as i32).clamp(1, 4095);
        let bit = self.range(p as u32, given);
        let error = ((i32::from(bit) << 12) - p) * RATE;
        for (slot, weight, input) in places {
            let learnt = self.weights[weight] + ((input * error + (1 << 13)) >> 14);
            self.weights[weight] = learnt.clamp(-MOST, MOST);
            let counter = self.counters[slot];
            let (chance, count) = (i64::from(counter >> 10), i64::from(counter & 1023));
            let target = if bit { (1 << 22) - 1 } else { 0 };
            let chance = chance + (target - chance) * 2 / (2 * count + 3);
            self.counters[slot] = (chance as u32) << 10 | (count as u32 + 1).min(MEMORY);
        }
        bit
    }

    /// The range coder itself: a 1 has the chance p in 4096.
    fn range(&mut self, p: u32, given: bool) -> bool {
        let bit = match &self.way {
            Way::Learn => return given,
            Way::Write(_) => given,
            Way::Read(..) => self.code <= self.low + ((self.high - self.low) >> 12) * p,
        };
        let middle = self.low + ((self.high - self.low) >> 12) * p;
        if bit {
            self.high = middle;
        } else {
            self.low = middle + 1;
        }
        while (self.low ^ self.high) >> 24 == 0 {
            if let Way::Write(out) = &mut self.way {
                out.push((self.high >> 24) as u8);
            }
            self.low <<= 8;
            self.high = self.high << 8 | 255;
            self.shift_in();
        }
        bit
    }
}
