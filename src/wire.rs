//! What crosses between the page and its worker, as bytes: fields one after the other, whole numbers seven bits at a time
//! (LEB128), a variant's place before its parts. Both ends are one build, so there is no version and no name in it.

pub use converge_derive::Wire;

/// What can cross.
pub trait Wire {
    /// Puts itself behind the bytes.
    fn put(&self, bytes: &mut Vec<u8>);

    /// Takes itself from the front. Where that cannot be read it is noted, and something stands in its place.
    fn take(bytes: &mut Bytes<'_>) -> Self
    where
        Self: Sized;
}

/// What is left to take.
pub struct Bytes<'a> {
    rest: &'a [u8],
    problem: Option<String>,
}

/// Something as bytes.
pub fn written(what: &impl Wire) -> Vec<u8> {
    let mut bytes = Vec::new();
    what.put(&mut bytes);
    bytes
}

/// Something from its bytes, and what could not be read in it, if anything: then something else stands there.
pub fn read<T: Wire>(bytes: &[u8]) -> (T, Option<String>) {
    let mut bytes = Bytes { rest: bytes, problem: None };
    let read = T::take(&mut bytes);
    if !bytes.rest.is_empty() {
        bytes.refuse("the message is longer than what it says");
    }
    (read, bytes.problem)
}

/// Puts a whole number.
pub fn put_number(bytes: &mut Vec<u8>, mut number: u64) {
    while number > 0x7f {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

impl<'a> Bytes<'a> {
    /// Notes what cannot be read. The first such thing is told: the others may come of it.
    pub fn refuse(&mut self, problem: impl Into<String>) {
        if self.problem.is_none() {
            self.problem = Some(problem.into());
        }
        self.rest = &[];
    }

    /// Takes so many bytes.
    pub fn slice(&mut self, length: usize) -> &'a [u8] {
        match self.rest.split_at_checked(length) {
            Some((slice, rest)) => {
                self.rest = rest;
                slice
            }
            None => {
                self.refuse("the message is cut short");
                &[]
            }
        }
    }

    /// Takes a whole number.
    pub fn number(&mut self) -> u64 {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let [byte] = *self.slice(1) else { return 0 };
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return number;
            }
        }
        self.refuse("a number is too long");
        0
    }

    /// How many items follow. Each is a byte at least, so there are no more than bytes.
    fn count(&mut self) -> usize {
        let count = self.number() as usize;
        if count > self.rest.len() {
            self.refuse("a list is cut short");
            return 0;
        }
        count
    }
}

macro_rules! whole {
    ($($number:ident),*) => {$(
        impl Wire for $number {
            fn put(&self, bytes: &mut Vec<u8>) {
                put_number(bytes, u64::from(*self));
            }

            fn take(bytes: &mut Bytes<'_>) -> Self {
                bytes.number() as $number
            }
        }
    )*};
}

whole!(u8, u16, u32, u64);

// As its bits: a negative one takes ten bytes.
impl Wire for i64 {
    fn put(&self, bytes: &mut Vec<u8>) {
        put_number(bytes, *self as u64);
    }

    fn take(bytes: &mut Bytes<'_>) -> Self {
        bytes.number() as i64
    }
}

impl Wire for bool {
    fn put(&self, bytes: &mut Vec<u8>) {
        bytes.push(u8::from(*self));
    }

    fn take(bytes: &mut Bytes<'_>) -> Self {
        bytes.number() != 0
    }
}

impl Wire for f64 {
    fn put(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&self.to_le_bytes());
    }

    fn take(bytes: &mut Bytes<'_>) -> Self {
        bytes.slice(8).try_into().map_or(0.0, f64::from_le_bytes)
    }
}

impl Wire for String {
    fn put(&self, bytes: &mut Vec<u8>) {
        put_number(bytes, self.len() as u64);
        bytes.extend_from_slice(self.as_bytes());
    }

    fn take(bytes: &mut Bytes<'_>) -> Self {
        let length = bytes.count();
        let text = std::str::from_utf8(bytes.slice(length));
        text.map(Into::into).unwrap_or_else(|_| {
            bytes.refuse("a text is not UTF-8");
            String::new()
        })
    }
}

impl<T: Wire> Wire for Option<T> {
    fn put(&self, bytes: &mut Vec<u8>) {
        self.is_some().put(bytes);
        if let Some(inner) = self {
            inner.put(bytes);
        }
    }

    fn take(bytes: &mut Bytes<'_>) -> Self {
        bool::take(bytes).then(|| T::take(bytes))
    }
}

impl<T: Wire> Wire for Box<T> {
    fn put(&self, bytes: &mut Vec<u8>) {
        (**self).put(bytes);
    }

    fn take(bytes: &mut Bytes<'_>) -> Self {
        Box::new(T::take(bytes))
    }
}

impl<T: Wire> Wire for Vec<T> {
    fn put(&self, bytes: &mut Vec<u8>) {
        put_number(bytes, self.len() as u64);
        self.iter().for_each(|item| item.put(bytes));
    }

    fn take(bytes: &mut Bytes<'_>) -> Self {
        (0..bytes.count()).map(|_| T::take(bytes)).collect()
    }
}

macro_rules! tuple {
    ($($part:ident $place:tt),*) => {
        impl<$($part: Wire),*> Wire for ($($part,)*) {
            fn put(&self, bytes: &mut Vec<u8>) {
                $(self.$place.put(bytes);)*
            }

            fn take(bytes: &mut Bytes<'_>) -> Self {
                ($($part::take(bytes),)*)
            }
        }
    };
}

tuple!(A 0, B 1);
tuple!(A 0, B 1, C 2, D 3);

impl<K: Wire + Ord, V: Wire> Wire for std::collections::BTreeMap<K, V> {
    fn put(&self, bytes: &mut Vec<u8>) {
        put_number(bytes, self.len() as u64);
        for (key, value) in self {
            key.put(bytes);
            value.put(bytes);
        }
    }

    fn take(bytes: &mut Bytes<'_>) -> Self {
        (0..bytes.count()).map(|_| (K::take(bytes), V::take(bytes))).collect()
    }
}
