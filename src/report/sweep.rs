//! The report of a sweep over seeds.

use crate::session::quantile_sketch::{ERROR, QuantileSketch};
use crate::session::sweep::{GRID, Share, Sweep};
use serde::Serialize;

/// What a sweep counted, which can be merged with other sweeps, and the figures that follow from it.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct SweepReport<'a> {
    /// The counts.
    #[serde(flatten)]
    pub sweep: &'a Sweep,
    /// Shares, means, quantiles and curves computed from the counts.
    pub figures: Figures,
}

/// Figures computed from the counts of a sweep. A figure is null where nothing was counted.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct Figures {
    /// The share of stale reads among successful reads.
    pub stale_read_share: Option<f64>,
    /// Its standard error.
    pub stale_read_share_standard_error: Option<f64>,
    /// How many updates stale reads lacked.
    pub stale_read_k: Quantiles,
    /// How long before a stale read the oldest update that it lacked was acknowledged, ms.
    pub stale_read_t_ms: Quantiles,
    /// Latency of successful reads, ms.
    pub read_latency_ms: Quantiles,
    /// Latency of successful writes, ms.
    pub write_latency_ms: Quantiles,
    /// Inconsistency windows that closed, ms.
    pub window_ms: Quantiles,
    /// The time from an update's acknowledgement until the last read that lacked it, ms.
    pub stale_read_window_ms: Quantiles,
    /// Time from the last acknowledgement until all copies were consistent, ms; of converged runs.
    pub convergence_ms: Quantiles,
    /// Deliveries of an event.
    pub deliveries: Quantiles,
    /// Completed executions of a handler for each published event.
    pub executions_per_event: Option<f64>,
    /// Effects of a handler for each published event.
    pub effects_per_event: Option<f64>,
    /// The share of fresh reads by time since the newest acknowledgement.
    pub fresh: Vec<CurvePoint>,
    /// The share of copies that had reflected an update, by time since its acknowledgement.
    pub reflected: Vec<CurvePoint>,
    /// The share of updates that had been reflected by every copy at a moment, by time since their acknowledgement: visible
    /// everywhere within t. A copy may have lost an update again.
    pub visible_everywhere: Vec<CurvePoint>,
    /// The relative error of all quantiles.
    pub relative_error_of_quantiles: f64,
}

/// Mean and quantiles; null where nothing was counted.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct Quantiles {
    /// How many values were counted.
    pub count: u64,
    /// The mean, exact.
    pub mean: Option<f64>,
    /// The median.
    pub p50: Option<f64>,
    /// The 90th percentile.
    pub p90: Option<f64>,
    /// The 95th percentile.
    pub p95: Option<f64>,
    /// The 99th percentile.
    pub p99: Option<f64>,
    /// The 99.9th percentile.
    pub p999: Option<f64>,
    /// The largest value.
    pub max: Option<f64>,
}

/// A point of a curve over time.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct CurvePoint {
    /// The time, ms.
    pub t_ms: f64,
    /// The share.
    pub p: Option<f64>,
    /// Its standard error.
    pub standard_error: Option<f64>,
    /// How many were counted.
    pub of: u64,
    /// How many more were not observed for so long, and did not hold at the end of their run.
    pub open: u64,
}

impl Quantiles {
    /// Reads a sketch, with values divided by `unit`.
    fn new(sketch: &QuantileSketch, unit: f64) -> Self {
        let at = |q| sketch.quantile(q).map(|value| value / unit);
        Quantiles {
            count: sketch.count,
            mean: sketch.mean().map(|value| value / unit),
            p50: at(0.5),
            p90: at(0.9),
            p95: at(0.95),
            p99: at(0.99),
            p999: at(0.999),
            max: at(1.0),
        }
    }
}

fn curve(shares: &[Share]) -> Vec<CurvePoint> {
    let counted = GRID.iter().zip(shares).filter(|(_, share)| share.of > 0);
    let point = |(t, share): (&u64, &Share)| CurvePoint {
        t_ms: *t as f64 / 1000.0,
        p: share.value(),
        standard_error: share.standard_error(),
        of: share.of,
        open: share.open,
    };
    counted.map(point).collect()
}

impl<'a> SweepReport<'a> {
    /// Computes the figures of a sweep.
    pub fn new(sweep: &'a Sweep) -> Self {
        let stale = Share::new(sweep.reads.stale, sweep.reads.count);
        let per_event = |count: u64| (sweep.published > 0).then(|| count as f64 / sweep.published as f64);
        let figures = Figures {
            stale_read_share: stale.value(),
            stale_read_share_standard_error: stale.standard_error(),
            stale_read_k: Quantiles::new(&sweep.reads.k, 1.0),
            stale_read_t_ms: Quantiles::new(&sweep.reads.t_us, 1000.0),
            read_latency_ms: Quantiles::new(&sweep.read_latency_us, 1000.0),
            write_latency_ms: Quantiles::new(&sweep.write_latency_us, 1000.0),
            window_ms: Quantiles::new(&sweep.window_us, 1000.0),
            stale_read_window_ms: Quantiles::new(&sweep.stale_read_window_us, 1000.0),
            convergence_ms: Quantiles::new(&sweep.convergence_us, 1000.0),
            deliveries: Quantiles::new(&sweep.deliveries, 1.0),
            executions_per_event: per_event(sweep.executions),
            effects_per_event: per_event(sweep.effects),
            fresh: curve(&sweep.reads.fresh),
            reflected: curve(&sweep.reflected),
            visible_everywhere: curve(&sweep.visible_everywhere),
            relative_error_of_quantiles: ERROR,
        };
        SweepReport { sweep, figures }
    }
}
