//! An entropy coder: a binary range coder with an adaptive model.
//!
//! Each binary choice is coded in several contexts. A context has a counter with the estimated probability of a 1 and the
//! number of choices so far. The estimates are mixed in the logistic domain by adaptive weights (context mixing as
//! in Mahoney's PAQ). Encoder and decoder adapt in the same way. All arithmetic is on whole numbers, so that the result is
//! the same on every machine. A change here needs a new version of the links.

/// Contexts of each choice.
pub(super) const CONTEXTS: usize = 6;
/// Sets of weights, one for each kind of choice.
pub(super) const SETS: usize = 16;
/// Classes of a counter's number of choices (0, 1, … or more), each with a separate weight.
const TRUST: usize = 8;
/// Bits of the number of counters; the hash of a context selects one.
const COUNTERS_BITS: u32 = 19;
/// Number of choices after which a counter adapts at a constant rate.
const MEMORY: u32 = 250;
/// Learning rate of the weights.
const RATE: i32 = 14;
/// A weight of 1 in fixed-point arithmetic.
const ONE: i32 = 1 << 16;
/// The largest absolute weight.
const MAX: i32 = ONE << 6;

/// What the coder does with choices.
#[derive(Clone)]
enum Mode<'a> {
    /// The mode in which the model is only adapted.
    Learn,
    Write(Vec<u8>),
    /// The bytes that remain, and the number of bytes read beyond the end.
    Read(&'a [u8], u32),
}

/// A model, and the bytes that it writes or reads.
#[derive(Clone)]
pub(super) struct Coder<'a> {
    mode: Mode<'a>,
    low: u32,
    high: u32,
    code: u32,
    /// 22 bits of probability, 10 of count.
    counters: Vec<u32>,
    weights: Vec<i32>,
    stretched: Vec<i16>,
}

/// Combines two hashes into one.
pub(super) fn join(a: u32, b: u32) -> u32 {
    (a.rotate_left(11) ^ b.wrapping_add(0x9E37_79B9))
        .wrapping_mul(0x85EB_CA6B)
        .rotate_left(15)
        .wrapping_mul(0xC2B2_AE35)
}

/// The logistic function from -2047..=2047, in units of 1/256, to a probability in units of 1/4096.
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
    /// Creates a coder whose model has not adapted to anything.
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
            mode: Mode::Learn,
            low: 0,
            high: u32::MAX,
            code: 0,
            counters: vec![1 << 31; 1 << COUNTERS_BITS],
            weights: vec![ONE / 4; SETS * CONTEXTS * TRUST],
            stretched,
        }
    }

    /// Starts to write choices.
    pub(super) fn write(&mut self) {
        self.mode = Mode::Write(Vec::new());
    }

    /// Starts to read choices.
    pub(super) fn read(&mut self, bytes: &'a [u8]) {
        self.mode = Mode::Read(bytes, 0);
        for _ in 0..4 {
            self.shift_in();
        }
    }

    fn shift_in(&mut self) {
        if let Mode::Read(bytes, beyond) = &mut self.mode {
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

    /// Returns whether choices were read beyond the end of the bytes.
    pub(super) fn exhausted(&self) -> bool {
        matches!(self.mode, Mode::Read(_, beyond) if beyond > 4)
    }

    /// Returns whether all bytes were read.
    pub(super) fn at_end(&self) -> bool {
        matches!(self.mode, Mode::Read([], _))
    }

    /// Returns the bytes written, without trailing zeros that the decoder assumes.
    pub(super) fn finish(self) -> Vec<u8> {
        let Mode::Write(mut out) = self.mode else { return Vec::new() };
        // Whether the first bytes of the upper bound, followed by zeros, are within the range.
        let within = |bytes: &u32| !(u64::from(u32::MAX) >> (8 * bytes)) as u32 & self.high >= self.low;
        let bytes = (0..4).find(within).unwrap_or(4);
        out.extend_from_slice(&self.high.to_be_bytes()[..bytes as usize]);
        out
    }

    /// Codes a choice. Returns the given one, or the decoded one when reading.
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
            self.weights[weight] = learnt.clamp(-MAX, MAX);
            let counter = self.counters[slot];
            let (chance, count) = (i64::from(counter >> 10), i64::from(counter & 1023));
            let target = if bit { (1 << 22) - 1 } else { 0 };
            let chance = chance + (target - chance) * 2 / (2 * count + 3);
            self.counters[slot] = (chance as u32) << 10 | (count as u32 + 1).min(MEMORY);
        }
        bit
    }

    /// Codes a choice in the range, where a 1 has the probability p/4096.
    fn range(&mut self, p: u32, given: bool) -> bool {
        let bit = match &self.mode {
            Mode::Learn => return given,
            Mode::Write(_) => given,
            Mode::Read(..) => self.code <= self.low + ((self.high - self.low) >> 12) * p,
        };
        let middle = self.low + ((self.high - self.low) >> 12) * p;
        if bit {
            self.high = middle;
        } else {
            self.low = middle + 1;
        }
        while (self.low ^ self.high) >> 24 == 0 {
            if let Mode::Write(out) = &mut self.mode {
                out.push((self.high >> 24) as u8);
            }
            self.low <<= 8;
            self.high = self.high << 8 | 255;
            self.shift_in();
        }
        bit
    }
}
