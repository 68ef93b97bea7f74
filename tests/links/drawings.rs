//! Random drawings for measuring the length of links: regular ones, as people draw them, and irregular ones.

use converge::scenario::{
    Bus, Client, Command, Effect, Latency, Link, Operation, Publication, Scenario, Service, Step, Subscription, Value,
};

const WORDS: [&str; 40] = [
    "Order", "Stock", "Price", "Cart", "Billing", "Fraud", "Mail", "Search", "Review", "Refund", "Parcel", "Route",
    "Tax", "Coupon", "Vendor", "Loyalty", "Photo", "Session", "Feed", "Audit", "Ledger", "Quote", "Claims", "Policy",
    "Seat", "Booking", "Menu", "Driver", "Ticket", "Score", "Wallet", "Device", "Sensor", "Alarm", "Grade", "Course",
    "Exam", "Roster", "Profile", "Friend",
];
const KINDS: [&str; 20] = [
    "service",
    "store",
    "index",
    "cache",
    "replica",
    "gateway",
    "worker",
    "projector",
    "desk",
    "keeper",
    "watcher",
    "mirror",
    "archive",
    "router",
    "planner",
    "board",
    "hub",
    "node",
    "east",
    "west",
];

/// A random number generator (SplitMix64).
pub struct Random(pub u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }

    fn within(&mut self, low: i32, high: i32) -> i32 {
        low + self.below((high - low) as usize) as i32
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// A number with two or three decimals.
    fn decimal(&mut self, low: f64, high: f64) -> f64 {
        let scale = if self.chance(50) { 100.0 } else { 1000.0 };
        let share = self.below(1 << 30) as f64 / f64::from(1 << 30);
        ((low + share * (high - low)) * scale).round() / scale
    }
}

/// The style of a drawing.
pub struct Style {
    /// Positions, latencies, times and links are arbitrary; names have no pattern, and ids are unrelated to them.
    pub irregular: bool,
}

impl Style {
    fn position(&self, random: &mut Random) -> [i32; 2] {
        if self.irregular {
            [random.within(-300, 1500), random.within(-200, 1100)]
        } else {
            [10 * random.within(0, 120), 10 * random.within(0, 80)]
        }
    }

    fn ms(&self, random: &mut Random, low: f64, high: f64) -> f64 {
        if self.irregular {
            return random.decimal(low, high);
        }
        let usual = [5.0, 10.0, 15.0, 20.0, 25.0, 30.0, 50.0, 80.0, 100.0, 150.0, 200.0, 300.0, 500.0];
        *random.pick(&usual)
    }

    fn latency(&self, random: &mut Random) -> Latency {
        let share = |random: &mut Random, low, high| {
            if self.irregular { random.decimal(low, high) } else { *random.pick(&[1.2, 1.3, 1.5, 2.0]) }
        };
        match random.below(6) {
            0 => Latency::constant(self.ms(random, 1.0, 300.0)),
            1 => {
                let low_ms = self.ms(random, 1.0, 100.0);
                Latency::Uniform { low_ms, high_ms: ((low_ms + self.ms(random, 1.0, 200.0)) * 1e3).round() / 1e3 }
            }
            2 => Latency::Normal { mean_ms: self.ms(random, 10.0, 200.0), sd_ms: self.ms(random, 1.0, 30.0) },
            3 => Latency::Exponential { mean_ms: self.ms(random, 1.0, 200.0) },
            4 => Latency::Lognormal { median_ms: self.ms(random, 1.0, 200.0), sigma: share(random, 0.1, 1.5) },
            _ => Latency::Pareto { scale_ms: self.ms(random, 1.0, 100.0), shape: share(random, 1.1, 4.0) },
        }
    }

    /// Returns distinct names, each with an id.
    fn names(&self, random: &mut Random, count: usize) -> Vec<(String, String)> {
        let mut names: Vec<(String, String)> = Vec::new();
        while names.len() < count {
            let word = *random.pick(&WORDS);
            let name = match random.below(4) {
                0 if self.irregular => format!("{word} {}", random.within(2, 99)),
                0 | 1 => word.to_string(),
                _ => format!("{word} {}", random.pick(&KINDS)),
            };
            let mut id = name.to_lowercase().replace(' ', if random.chance(50) { "-" } else { "_" });
            if self.irregular && random.chance(30) {
                id = format!(
                    "{}{}",
                    [random.within(97, 123) as u8 as char, random.within(97, 123) as u8 as char]
                        .iter()
                        .collect::<String>(),
                    random.within(1, 99)
                );
            }
            if names.iter().all(|(other, called)| *other != id && *called != name) {
                names.push((id, name));
            }
        }
        names
    }
}

/// Returns a drawing with a number of nodes, links, and steps of its script.
pub fn drawing(style: &Style, random: &mut Random, nodes: usize, links: usize, steps: usize) -> Scenario {
    let names = style.names(random, nodes);
    let (buses, clients) = (nodes / 5, nodes / 5);
    let (services, rest) = names.split_at(nodes - buses - clients);
    let (bus_names, client_names) = rest.split_at(buses);
    let keys: Vec<String> = (0..3).map(|_| random.pick(&WORDS).to_lowercase()).collect();
    let mut scenario = Scenario {
        title: format!("{}, {} and {}", random.pick(&WORDS), random.pick(&WORDS), random.pick(&WORDS)),
        seed: random.below(100_000) as u64,
        until_ms: style.ms(random, 5_000.0, 60_000.0).max(5_000.0),
        ..Scenario::default()
    };
    for (i, (id, name)) in services.iter().enumerate() {
        let mut service = Service {
            id: id.clone(),
            name: name.clone(),
            position: Some(style.position(random)),
            ..Service::default()
        };
        if i < buses {
            service.data.insert(random.pick(&keys).clone(), Value::Int(random.below(500) as i64));
            service.publishes.push(Publication { to: bus_names[i].0.clone(), ..Publication::default() });
        } else {
            let effect = if random.chance(40) { Effect::Overwrite } else { Effect::SetIfNewer };
            let max_deliveries = random.chance(50).then(|| 2 + random.below(8) as u32);
            let to = random.pick(bus_names).0.clone();
            service.subscribes.push(Subscription { to, effect, max_deliveries, ..Subscription::default() });
        }
        if random.chance(30) {
            service.service_time = style.latency(random);
        }
        scenario.services.push(service);
    }
    for (id, name) in bus_names {
        scenario.buses.push(Bus {
            id: id.clone(),
            name: name.clone(),
            position: Some(style.position(random)),
            ..Bus::default()
        });
    }
    for (id, name) in client_names {
        let target = services[random.below(buses)].0.clone();
        let position = Some(style.position(random));
        scenario.clients.push(Client { id: id.clone(), name: name.clone(), position, target, ..Client::default() });
    }
    connect(style, random, &names, links, &mut scenario);
    script(style, random, &keys, steps, &mut scenario);
    scenario.validate().unwrap_or_else(|errors| panic!("{errors:?}"));
    scenario
}

/// Adds links: in a regular drawing first those that messages use, then between any two nodes.
fn connect(style: &Style, random: &mut Random, names: &[(String, String)], count: usize, scenario: &mut Scenario) {
    let mut pairs: Vec<(String, String)> = Vec::new();
    if !style.irregular {
        for service in &scenario.services {
            pairs.extend(service.publishes.iter().map(|publication| (service.id.clone(), publication.to.clone())));
            pairs.extend(service.subscribes.iter().map(|subscription| (subscription.to.clone(), service.id.clone())));
        }
        pairs.extend(scenario.clients.iter().map(|client| (client.id.clone(), client.target.clone())));
        pairs.truncate(count);
    }
    while pairs.len() < count {
        let pair = (random.pick(names).0.clone(), random.pick(names).0.clone());
        if pair.0 != pair.1 && !pairs.contains(&pair) {
            pairs.push(pair);
        }
    }
    for (from, to) in pairs {
        let loss = if random.chance(20) { random.below(30) as f64 / 100.0 } else { 0.0 };
        scenario.links.push(Link { from, to, latency: Some(style.latency(random)), loss, ..Link::default() });
    }
}

/// Adds faults and operations.
fn script(style: &Style, random: &mut Random, keys: &[String], count: usize, scenario: &mut Scenario) {
    let mut times: Vec<f64> = (0..count)
        .map(|i| {
            if style.irregular {
                random.decimal(0.0, scenario.until_ms)
            } else {
                100.0 * (5 * i + random.below(5)) as f64
            }
        })
        .collect();
    times.sort_by(f64::total_cmp);
    let publishers = scenario.buses.len();
    for at_ms in times {
        let service = random.pick(&scenario.services).id.clone();
        let link = random.pick(&scenario.links).clone();
        let (from, to, one_way) = (link.from, link.to, false);
        let command = match random.below(7) {
            0 | 1 => Command::Operate {
                service: scenario.services[random.below(publishers)].id.clone(),
                operation: Operation::Write {
                    key: random.pick(keys).clone(),
                    value: Value::Int(random.below(500) as i64),
                },
                poison: false,
            },
            2 => Command::CutLink { from, to, one_way },
            3 => Command::HealLink { from, to, one_way },
            4 => Command::Crash { service, lose_disk: false },
            5 => Command::Restart { service },
            _ => {
                let loss = (1 + random.below(100)) as f64 / 100.0;
                Command::DisturbLink { from, to, one_way, loss, duplicate: 0.0, delay: None, reorder: 0.0 }
            }
        };
        scenario.script.push(Step { at_ms, command });
    }
}
