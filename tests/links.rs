//! Links open for ever, and damaged links never open. Each case in `tests/links/v1/` has a link, its scenario and the digest of
//! its run. `CONVERGE_RENEW=1` adds cases for new examples and for new semantics; existing cases never change.

use crate::common::random::{self, random_tests};
use converge::scenario::examples::{EXAMPLES, Example};
use converge::scenario::link::{LinkError, SEMANTICS_VERSION, decode, encode};
use converge::scenario::{
    Bus, Client, ClientStep, Command, Effect, Latency, Link, Operation, Publication, Scenario, Service, Step,
    Subscription, Value, micros,
};
use converge::session::Run;
use proptest::prelude::*;
use std::path::PathBuf;

mod drawings;
use drawings::{Random, Style, drawing};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/links/v1")
}

#[derive(serde::Serialize, serde::Deserialize)]
struct Golden {
    link: String,
    #[serde(deserialize_with = "document")]
    scenario: Scenario,
    digest: String,
}

fn document<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Scenario, D::Error> {
    let json: serde_json::Value = serde::Deserialize::deserialize(deserializer)?;
    Scenario::from_value(&json).map_err(|errors| serde::de::Error::custom(format!("{errors:?}")))
}

fn digest(scenario: &Scenario) -> String {
    let mut run = Run::new(scenario);
    run.advance(micros(scenario.until_ms), u64::MAX, &mut |_, _, _| {});
    run.engine().trace().digest().hex()
}

/// Returns whether the example fits into a link.
fn fits(example: &Example) -> bool {
    example.scenario().services.len() <= 100
}

fn golden() -> Vec<(String, Golden)> {
    if std::env::var_os("CONVERGE_RENEW").is_some() {
        std::fs::create_dir_all(folder()).expect("a folder");
        for example in EXAMPLES.iter().filter(|example| fits(example)) {
            let file = folder().join(format!("{}.1r.{SEMANTICS_VERSION}.json", example.id));
            if !file.exists() {
                let scenario = example.scenario();
                let case = Golden { link: encode(&scenario).expect("a link"), digest: digest(&scenario), scenario };
                std::fs::write(file, serde_json::to_string_pretty(&case).expect("JSON") + "\n").expect("a file");
            }
        }
    }
    let mut cases: Vec<(String, Golden)> = std::fs::read_dir(folder())
        .expect("golden links")
        .map(|entry| {
            let path = entry.expect("a file").path();
            let text = std::fs::read_to_string(&path).expect("readable");
            (path.display().to_string(), serde_json::from_str(&text).expect("a golden case"))
        })
        .collect();
    cases.sort_by(|a, b| a.0.cmp(&b.0));
    cases
}

#[test]
fn every_golden_link_opens_the_same_scenario_and_with_the_same_semantics_the_same_run() {
    let cases = golden();
    let mut replayed = 0;
    assert!(cases.len() >= EXAMPLES.iter().filter(|example| fits(example)).count());
    for (file, case) in cases {
        let opened = decode(&case.link).unwrap_or_else(|error| panic!("{file}: {error}"));
        assert_eq!(opened.scenario, case.scenario, "{file}");
        // A link of older semantics opens with a banner: its run may differ.
        if opened.semantics == SEMANTICS_VERSION {
            assert_eq!(digest(&opened.scenario), case.digest, "{file}");
            replayed += 1;
        }
    }
    assert!(replayed > 0, "some golden links have the present semantics");
}

#[test]
fn a_cut_link_is_refused_with_its_length() {
    for (file, case) in golden() {
        for length in 0..case.link.len() {
            let error = decode(&case.link[..length]).expect_err("a prefix is not a link");
            // The first three characters after the dot contain the link's length.
            if length >= 6 {
                let whole = case.link.len();
                assert_eq!(error.to_string(), format!("cut short ({length} of {whole} characters)"), "{file}");
            }
        }
    }
}

#[test]
fn a_link_with_a_changed_character_never_opens_an_invalid_scenario() {
    let others: Vec<char> = ('!'..='~').chain(['ä', ' ']).collect();
    // Links of older semantics are written in the same way as those of the present one.
    let repeats_the_present_encoding =
        |link: &str| link.starts_with("1r.") && decode(link).is_ok_and(|opened| opened.semantics < SEMANTICS_VERSION);
    for (file, case) in golden().into_iter().filter(|(_, case)| !repeats_the_present_encoding(&case.link)) {
        for (i, present) in case.link.char_indices() {
            for &other in others.iter().filter(|&&other| other != present) {
                let changed = format!("{}{other}{}", &case.link[..i], &case.link[i + 1..]);
                if let Ok(opened) = decode(&changed) {
                    opened.scenario.validate().unwrap_or_else(|errors| panic!("{file}, {changed}: {errors:?}"));
                }
            }
        }
    }
}

#[test]
fn errors_of_a_link_name_the_cause_and_what_was_expected() {
    let scenario = EXAMPLES[0].scenario();
    let link = encode(&scenario).expect("a link");
    let damaged = link.replacen(&link[40..41], if &link[40..41] == "A" { "B" } else { "A" }, 1);
    let cases = [
        ("".to_string(), "not a scenario link; one starts with 1r. or 1d."),
        ("hello".to_string(), "not a scenario link; one starts with 1r. or 1d."),
        (link.replacen("1", "2", 1), "made by a newer version"),
        (link.replacen("r", "z", 1), "made by a newer version"),
        (damaged, "damaged"),
        (format!("{link}e"), "damaged"),
        (format!("1r.{}e", "A".repeat(16_384)), "too large: 16388 characters, at most 16384 are allowed"),
        ("ex=nothing".to_string(), "no example has the id `nothing`"),
        (format!("{link}&t=soon"), "t: must be a time in ms"),
        (format!("{link}&seed=x"), "seed: must be a whole number"),
        (format!("{link}&set.nobody.name=x"), "set.nobody.name: no node or group has this id"),
        (
            format!("{link}&set.inventory.concurrency=0"),
            "set.inventory.concurrency: services[0].concurrency: must be a whole number from 1 to 100000, not 0",
        ),
    ];
    for (link, message) in cases {
        assert_eq!(decode(&link).expect_err(&link).to_string(), message, "{link}");
    }
}

#[test]
fn a_link_opens_alone_in_a_fragment_and_in_an_address() {
    let scenario = EXAMPLES[0].scenario();
    let link = encode(&scenario).expect("a link");
    for text in [link.clone(), format!("#{link}"), format!(" https://example.org/a/#{link}\n")] {
        assert_eq!(decode(&text).expect(&text).scenario, scenario);
    }
    assert_eq!(decode("#ex=lost-event").expect("an example").example, Some("lost-event"));
}

#[test]
fn options_of_a_link_change_the_scenario() {
    let link = encode(&EXAMPLES[0].scenario()).expect("a link");
    let text = format!(
        "{link}&t=1250.5&seed=9&set.inventory.name=Stock%20room&set.notification.subscribes.0.fails=0.25\
         &set.inventory.data.widget=7&set.notification.data.widget=7&digest=0123456789ABCDEF&mode=view"
    );
    // Copies must be equal at the start, so the first of the two changes of data is refused.
    assert!(decode(&text).is_err());
    let text = text.replace("&set.inventory.data.widget=7&set.notification.data.widget=7", "");
    let opened = decode(&text).expect(&text);
    assert_eq!(opened.at, Some(1_250_500));
    assert_eq!(opened.scenario.seed, 9);
    assert_eq!(opened.scenario.services[0].name, "Stock room");
    assert_eq!(opened.scenario.services[1].subscribes[0].fails, 0.25);
    assert_eq!(opened.digest.as_deref(), Some("0123456789abcdef"));
}

#[test]
fn the_error_for_a_too_large_scenario_recommends_a_file() {
    let services = (0..101).map(|i| Service { id: format!("service-{i}"), ..Service::default() }).collect();
    let scenario = Scenario { services, ..Scenario::default() };
    scenario.validate().expect("valid as a document");
    let error = encode(&scenario).expect_err("101 nodes");
    assert!(matches!(error, LinkError::TooLarge(_)));
    assert!(error.to_string().contains("use a file"), "{error}");
}

const NAMES: [&str; 15] = [
    "Inventory",
    "Notification",
    "Orders",
    "Payments",
    "Shipping",
    "Catalogue",
    "Search",
    "Billing",
    "Customers",
    "Returns",
    "Pricing",
    "Warehouse",
    "Analytics",
    "Reviews",
    "Accounts",
];

/// The command of a step: two writes, then a cut, its healing and a crash at the consumer.
fn command(step: usize, writer: String, bus: String, consumer: String) -> Command {
    match step % 5 {
        0 | 1 => Command::Operate {
            service: writer,
            operation: Operation::Write { key: "widget".into(), value: Value::Int(49 - step as i64) },
            poison: false,
        },
        2 => Command::CutLink { from: bus, to: consumer, one_way: false },
        3 => Command::HealLink { from: bus, to: consumer, one_way: false },
        _ => Command::Crash { service: consumer, lose_disk: false },
    }
}

/// A regular system: services that publish and subscribe, buses, clients, links with latencies, and faults.
fn system(nodes: usize, links: usize, steps: usize) -> Scenario {
    let (buses, clients) = (nodes / 5, nodes / 5);
    let services = nodes - buses - clients;
    let name = |i: usize| match i / NAMES.len() {
        0 => NAMES[i].to_string(),
        more => format!("{} {}", NAMES[i % NAMES.len()], more + 1),
    };
    let id = |i: usize| name(i).to_lowercase().replace(' ', "-");
    let bus = |i: usize| format!("{}_updated", id(i % buses));
    let mut scenario = Scenario { title: "A shop in three parts".into(), seed: 42, ..Scenario::default() };
    for i in 0..services {
        let mut service = Service {
            id: id(i),
            name: name(i),
            position: Some([40 + 310 * (i as i32 % 4), 60 + 170 * (i as i32 / 4)]),
            ..Service::default()
        };
        if i < buses {
            service.data.insert("widget".into(), Value::Int(50 + i as i64));
            service.publishes.push(Publication { to: bus(i), ..Publication::default() });
        } else {
            let effect = if i % 3 == 0 { Effect::Overwrite } else { Effect::SetIfNewer };
            service.subscribes.push(Subscription {
                to: bus(i),
                effect,
                max_deliveries: Some(5),
                ..Subscription::default()
            });
        }
        scenario.services.push(service);
    }
    for i in 0..buses {
        let position = Some([350 + 310 * (i as i32 % 3), 700 + 170 * (i as i32 / 3)]);
        scenario.buses.push(Bus { id: bus(i), position, ..Bus::default() });
    }
    for i in 0..clients {
        scenario.clients.push(Client {
            id: format!("client-{}", i + 1),
            position: Some([40 + 180 * i as i32, 900]),
            target: id(i % buses),
            ..Client::default()
        });
    }
    let means = [5.0, 12.0, 20.0, 35.0, 80.0, 150.0];
    let consumers = buses..services;
    let deliveries = consumers.clone().map(|i| (bus(i), id(i)));
    let acknowledgements = consumers.clone().map(|i| (id(i), bus(i)));
    let publications = (0..buses).flat_map(|i| [(id(i), bus(i)), (bus(i), id(i))]);
    let requests = (0..clients).map(|i| (format!("client-{}", i + 1), id(i % buses)));
    let responses = (0..clients).map(|i| (id(i % buses), format!("client-{}", i + 1)));
    let pairs: Vec<(String, String)> =
        deliveries.chain(publications).chain(requests).chain(acknowledgements).chain(responses).collect();
    for (i, (from, to)) in pairs.into_iter().take(links).enumerate() {
        let latency = match i % 3 {
            0 => Latency::Exponential { mean_ms: means[i % means.len()] },
            1 => Latency::Lognormal { median_ms: means[i % means.len()], sigma: 0.4 },
            _ => Latency::constant(means[i % means.len()]),
        };
        scenario.links.push(Link { from, to, latency: Some(latency), ..Link::default() });
    }
    for i in 0..steps {
        let consumer = buses + i % (services - buses);
        let command = command(i, id(i % buses), bus(consumer), id(consumer));
        scenario.script.push(Step { at_ms: 400.0 * (i + 1) as f64, command });
    }
    scenario.validate().unwrap_or_else(|errors| panic!("{errors:?}"));
    scenario
}

const SEEDS: u64 = 40;

#[test]
fn links_are_short_enough_to_send() {
    for irregular in [false, true] {
        for (nodes, links, steps, limit) in [(10, 12, 10, 700), (30, 45, 60, 1500)] {
            let mut lengths: Vec<usize> = (0..SEEDS)
                .map(|seed| {
                    let scenario = drawing(&Style { irregular }, &mut Random(seed), nodes, links, steps);
                    assert_eq!((scenario.links.len(), scenario.script.len()), (links, steps), "seed {seed}");
                    let link = encode(&scenario).expect("a link");
                    assert_eq!(decode(&link).expect("a link that opens").scenario, scenario, "seed {seed}");
                    link.len()
                })
                .collect();
            lengths.sort_unstable();
            let (median, longest) = (lengths[lengths.len() / 2], lengths[lengths.len() - 1]);
            let kind = if irregular { "irregular" } else { "regular" };
            println!(
                "{kind}, {nodes} nodes, {links} links, {steps} steps: median {median}, longest {longest} characters"
            );
            assert!(longest <= limit, "{kind}, {nodes} nodes: {longest} characters, at most {limit}");
        }
    }
}

random_tests! { link_codec, 300;
    #[test]
    fn any_valid_scenario_is_decoded_as_it_was_encoded(
        nodes in 5usize..30,
        links in 0usize..40,
        steps in 0usize..60,
        seed in 0u64..1 << 53,
        title in "\\PC{0,80}",
        key in "\\PC{1,20}",
        value in any::<i32>(),
        at_ms in 0.0f64..1e6,
    ) {
        let mut scenario = system(nodes, links, steps);
        scenario.seed = seed;
        scenario.title = title;
        let operation = Operation::CompareAndSet { key, expect: None, value: Value::Int(value.into()) };
        scenario.clients[0].script.push(ClientStep { at_ms, operation });
        prop_assume!(scenario.validate().is_ok());
        let link = encode(&scenario).expect("a link");
        let opened = decode(&link);
        prop_assert_eq!(opened.map(|opened| opened.scenario), Ok(scenario));
    }

    #[test]
    fn random_text_never_panics(text in "\\PC{0,200}", payload in "[A-Za-z0-9_-]{0,300}") {
        let _ = decode(&text);
        let _ = decode(&format!("1d.{payload}e"));
        let _ = decode(&format!("1r.{payload}e"));
    }
}

#[test]
fn a_link_opens_with_surrounding_punctuation_or_percent_encoded() {
    let scenario = EXAMPLES[0].scenario();
    let link = encode(&scenario).expect("a link");
    let address = format!("https://example.org/converge/#{link}");
    let escaped = address.replace('#', "%23");
    for pasted in [
        format!("  {address}. "),
        format!("({address})"),
        format!("<{address}>,"),
        format!("“{address}”"),
        format!("{escaped}%26seed%3D9"),
        format!("{link}."),
    ] {
        let opened = decode(&pasted).unwrap_or_else(|error| panic!("{pasted}: {error}"));
        assert_eq!(opened.scenario.services, scenario.services, "{pasted}");
    }
    assert_eq!(decode(&format!("{escaped}%26seed%3D9")).expect("a link").scenario.seed, 9);
}

#[test]
fn a_link_opens_as_chat_and_mail_programs_change_it() {
    let scenario = EXAMPLES[0].scenario();
    let link = encode(&scenario).expect("a link");
    let address = format!("https://example.org/converge/#{link}");
    let (start, end) = link.split_at(link.len() / 2);
    let opens = |pasted: &str| {
        let opened = decode(pasted).unwrap_or_else(|error| panic!("{pasted:?}: {error}"));
        assert_eq!(opened.scenario, scenario, "{pasted:?}");
    };
    let inserted =
        ["\u{ad}", "\u{200b}", "\u{feff}", "\u{2060}", "\u{200e}", "\n> ", "\r\n>> ", "\n| ", "=\r\n", "%C2%AD", "\\"];
    for inserted in inserted {
        opens(&format!("{start}{inserted}{end}"));
        opens(&format!("https://example.org/converge/#{start}{inserted}{end}"));
        opens(&format!("{link}{inserted}&theme=dark"));
    }
    for invisible in ["\u{ad}", "\u{200b}", "\u{feff}", "\u{2060}"] {
        opens(&format!("{invisible}{link}{invisible}"));
        let example = decode(&format!("#ex=lost{invisible}-event{invisible}")).expect("an example");
        assert_eq!(example.example, Some("lost-event"));
        assert_eq!(decode(&format!("{link}&t={invisible}5")).expect("a link").at, Some(5_000));
    }
    for end in [
        "}",
        "]",
        "/",
        "~",
        "*",
        "_",
        "\"",
        "'",
        "…",
        "}]",
        "__",
        "~~",
        "*_~",
        "/.",
        "-",
        "--",
        "=",
        "%7D",
        "\\_",
        "）",
        " and so on",
        "|text>",
        "\">here</a>",
    ] {
        opens(&format!("{link}{end}"));
        opens(&format!("{address}{end}"));
    }
    for end in ["}", "]", "/", "~", "*", "_", "\"", "'", "…", "-", "="] {
        assert_eq!(decode(&format!("#ex=lost-event{end}")).expect("an example").example, Some("lost-event"), "{end}");
        assert_eq!(decode(&format!("{link}&t=5{end}")).expect("a link").at, Some(5_000), "{end}");
    }
}

#[test]
fn a_link_opens_with_escapes_dashes_and_quoted_lines_of_mails() {
    let scenario = EXAMPLES[0].scenario();
    let link = encode(&scenario).expect("a link");
    let address = format!("https://example.org/converge/#{link}");
    let opens = |pasted: &str| {
        let opened = decode(pasted).unwrap_or_else(|error| panic!("{pasted:?}: {error}"));
        assert_eq!(opened.scenario, scenario, "{pasted:?}");
    };
    for start in ["{", "/", "~", "_", "„", "> ", "- ", "\\"] {
        opens(&format!("{start}{link}"));
        opens(&format!("{start}{address}"));
    }
    for and in ["&amp;", "&AMP;", "&amp;amp;", "&#38;", "\\u0026", "%26"] {
        let opened = decode(&format!("{address}{and}t=5"));
        assert!(opened.as_ref().is_ok_and(|opened| opened.scenario == scenario), "{and}: {opened:?}");
    }
    assert_eq!(decode(&format!("{address}&amp;t=5")).expect("a link").at, Some(5_000));
    opens(&link.replace('-', "\u{2011}"));
    opens(&link.replace('_', "\\_"));
    opens(&format!(
        "> {}",
        address.as_bytes().chunks(60).map(|line| String::from_utf8_lossy(line)).collect::<Vec<_>>().join("\n> ")
    ));
    opens(&format!("{address} {address}"));
    opens(&address.replace('#', "#/"));
    opens(&address.replace('#', "%2523"));
    // A letter or digit behind the link has changed the link itself.
    for end in ["e", "A", "0"] {
        assert_eq!(decode(&format!("{link}{end}")), Err(LinkError::Damaged), "{end}");
    }
    let other = decode("ex=lost-event -retried").expect_err("part of another id");
    assert_eq!(other.to_string(), "no example has the id `lost-event -retried`");
}

#[test]
fn an_option_can_select_another_variant_and_set_a_text_that_looks_like_a_number() {
    let opened = decode("ex=first-update&set.notification.service_time.exponential.mean_ms=7").expect("a link");
    let notification =
        opened.scenario.services.iter().find(|service| service.id == "notification").expect("the service exists");
    assert_eq!(notification.service_time, converge::scenario::Latency::Exponential { mean_ms: 7.0 });
    let opened = decode("ex=first-update&set.notification.name=42").expect("a link");
    assert!(opened.scenario.services.iter().any(|service| service.name == "42"));
    let refused = decode("ex=first-update&set.notification.concurrency=many").expect_err("no number");
    assert!(refused.to_string().contains("concurrency"), "{refused}");
}

#[test]
fn the_format_is_the_error_of_a_document_from_a_newer_version() {
    let errors = Scenario::from_json(r#"{"converge": 2, "regions": []}"#).expect_err("too new");
    assert!(errors[0].to_string().contains("made by a newer version"), "{errors:?}");
}
