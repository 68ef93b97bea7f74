//! Drawings as people make them, for measuring links: from plausible ones, by hand, to ones of which nothing is regular.

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

/// Chance of the tests' own: SplitMix64.
pub struct Dice(pub u64);

impl Dice {
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

/// How a drawing is made.
pub struct Habit {
    /// Positions, latencies and times are any; names have no pattern, and ids nothing to do with them; links go anywhere.
    pub irregular: bool,
}

impl Habit {
    fn position(&self, dice: &mut Dice) -> [i32; 2] {
        if self.irregular {
            [dice.within(-300, 1500), dice.within(-200, 1100)]
        } else {
            [10 * dice.within(0, 120), 10 * dice.within(0, 80)]
        }
    }

    fn ms(&self, dice: &mut Dice, low: f64, high: f64) -> f64 {
        if self.irregular {
            return dice.decimal(low, high);
        }
        let usual = [5.0, 10.0, 15.0, 20.0, 25.0, 30.0, 50.0, 80.0, 100.0, 150.0, 200.0, 300.0, 500.0];
        *dice.pick(&usual)
    }

    fn latency(&self, dice: &mut Dice) -> Latency {
        let share = |dice: &mut Dice, low, high| {
            if self.irregular { dice.decimal(low, high) } else { *dice.pick(&[1.2, 1.3, 1.5, 2.0]) }
        };
        match dice.below(6) {
            0 => Latency::constant(self.ms(dice, 1.0, 300.0)),
            1 => {
                let low_ms = self.ms(dice, 1.0, 100.0);
                Latency::Uniform { low_ms, high_ms: ((low_ms + self.ms(dice, 1.0, 200.0)) * 1e3).round() / 1e3 }
            }
            2 => Latency::Normal { mean_ms: self.ms(dice, 10.0, 200.0), sd_ms: self.ms(dice, 1.0, 30.0) },
            3 => Latency::Exponential { mean_ms: self.ms(dice, 1.0, 200.0) },
            4 => Latency::Lognormal { median_ms: self.ms(dice, 1.0, 200.0), sigma: share(dice, 0.1, 1.5) },
            _ => Latency::Pareto { scale_ms: self.ms(dice, 1.0, 100.0), shape: share(dice, 1.1, 4.0) },
        }
    }

    /// Names that differ, each with an id.
    fn names(&self, dice: &mut Dice, count: usize) -> Vec<(String, String)> {
        let mut names: Vec<(String, String)> = Vec::new();
        while names.len() < count {
            let word = *dice.pick(&WORDS);
            let name = match dice.below(4) {
                0 if self.irregular => format!("{word} {}", dice.within(2, 99)),
                0 | 1 => word.to_string(),
                _ => format!("{word} {}", dice.pick(&KINDS)),
            };
            let mut id = name.to_lowercase().replace(' ', if dice.chance(50) { "-" } else { "_" });
            if self.irregular && dice.chance(30) {
                id = format!(
                    "{}{}",
                    [dice.within(97, 123) as u8 as char, dice.within(97, 123) as u8 as char].iter().collect::<String>(),
                    dice.within(1, 99)
                );
            }
            if names.iter().all(|(other, called)| *other != id && *called != name) {
                names.push((id, name));
            }
        }
        names
    }
}

/// A drawing with so many nodes, links, and faults or operations.
pub fn drawing(habit: &Habit, dice: &mut Dice, nodes: usize, links: usize, steps: usize) -> Scenario {
    let names = habit.names(dice, nodes);
    let (buses, clients) = (nodes / 5, nodes / 5);
    let (services, rest) = names.split_at(nodes - buses - clients);
    let (bus_names, client_names) = rest.split_at(buses);
    let keys: Vec<String> = (0..3).map(|_| dice.pick(&WORDS).to_lowercase()).collect();
    let mut scenario = Scenario {
        title: format!("{}, {} and {}", dice.pick(&WORDS), dice.pick(&WORDS), dice.pick(&WORDS)),
        seed: dice.below(100_000) as u64,
        until_ms: habit.ms(dice, 5_000.0, 60_000.0).max(5_000.0),
        ..Scenario::default()
    };
    for (i, (id, name)) in services.iter().enumerate() {
        let mut service =
            Service { id: id.clone(), name: name.clone(), position: Some(habit.position(dice)), ..Service::default() };
        if i < buses {
            service.data.insert(dice.pick(&keys).clone(), Value::Int(dice.below(500) as i64));
            service.publishes.push(Publication { to: bus_names[i].0.clone(), ..Publication::default() });
        } else {
            let effect = if dice.chance(40) { Effect::Overwrite } else { Effect::SetIfNewer };
            let max_deliveries = dice.chance(50).then(|| 2 + dice.below(8) as u32);
            let to = dice.pick(bus_names).0.clone();
            service.subscribes.push(Subscription { to, effect, max_deliveries, ..Subscription::default() });
        }
        if dice.chance(30) {
            service.service_time = habit.latency(dice);
        }
        scenario.services.push(service);
    }
    for (id, name) in bus_names {
        scenario.buses.push(Bus {
            id: id.clone(),
            name: name.clone(),
            position: Some(habit.position(dice)),
            ..Bus::default()
        });
    }
    for (id, name) in client_names {
        let target = services[dice.below(buses)].0.clone();
        let position = Some(habit.position(dice));
        scenario.clients.push(Client { id: id.clone(), name: name.clone(), position, target, ..Client::default() });
    }
    connect(habit, dice, &names, links, &mut scenario);
    script(habit, dice, &keys, steps, &mut scenario);
    scenario.validate().unwrap_or_else(|errors| panic!("{errors:?}"));
    scenario
}

/// Links: between any two nodes; or, where a person drew them, first those that messages go over.
fn connect(habit: &Habit, dice: &mut Dice, names: &[(String, String)], count: usize, scenario: &mut Scenario) {
    let mut pairs: Vec<(String, String)> = Vec::new();
    if !habit.irregular {
        for service in &scenario.services {
            pairs.extend(service.publishes.iter().map(|publication| (service.id.clone(), publication.to.clone())));
            pairs.extend(service.subscribes.iter().map(|subscription| (subscription.to.clone(), service.id.clone())));
        }
        pairs.extend(scenario.clients.iter().map(|client| (client.id.clone(), client.target.clone())));
        pairs.truncate(count);
    }
    while pairs.len() < count {
        let pair = (dice.pick(names).0.clone(), dice.pick(names).0.clone());
        if pair.0 != pair.1 && !pairs.contains(&pair) {
            pairs.push(pair);
        }
    }
    for (from, to) in pairs {
        let loss = if dice.chance(20) { dice.below(30) as f64 / 100.0 } else { 0.0 };
        scenario.links.push(Link { from, to, latency: Some(habit.latency(dice)), loss, ..Link::default() });
    }
}

fn script(habit: &Habit, dice: &mut Dice, keys: &[String], count: usize, scenario: &mut Scenario) {
    let mut times: Vec<f64> = (0..count)
        .map(|i| {
            if habit.irregular { dice.decimal(0.0, scenario.until_ms) } else { 100.0 * (5 * i + dice.below(5)) as f64 }
        })
        .collect();
    times.sort_by(f64::total_cmp);
    let publishers = scenario.buses.len();
    for at_ms in times {
        let service = dice.pick(&scenario.services).id.clone();
        let link = dice.pick(&scenario.links).clone();
        let (from, to, one_way) = (link.from, link.to, false);
        let command = match dice.below(7) {
            0 | 1 => Command::Operate {
                service: scenario.services[dice.below(publishers)].id.clone(),
                operation: Operation::Write { key: dice.pick(keys).clone(), value: Value::Int(dice.below(500) as i64) },
                poison: false,
            },
            2 => Command::CutLink { from, to, one_way },
            3 => Command::HealLink { from, to, one_way },
            4 => Command::Crash { service, lose_disk: false },
            5 => Command::Restart { service },
            _ => {
                let loss = (1 + dice.below(100)) as f64 / 100.0;
                Command::DisturbLink { from, to, one_way, loss, duplicate: 0.0, delay: None, reorder: 0.0 }
            }
        };
        scenario.script.push(Step { at_ms, command });
    }
}
