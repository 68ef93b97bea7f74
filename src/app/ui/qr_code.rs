//! The QR code of an address, in the share dialog. Its code is loaded when it is first shown.

use crate::app::browser::{files, picture};
use crate::app::picture::PictureFailure;
use crate::app::qr_code::{self, MAX_LENGTH, QrCode};
use crate::app::texts::translated;
use crate::text;
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::spawn_local;
use wasm_split_helpers::{SplitLoaderError, wasm_split};
use web_sys::{CanvasRenderingContext2d, Element, HtmlCanvasElement, Path2d};
use yew::prelude::*;

/// The side of a module in a PNG, pixels.
const PIXELS: f64 = 8.0;
/// The number of modules on a side above which a phone can read only a large picture.
const DENSE: i32 = 100;

#[wasm_split(qr_code, fallible)]
fn encode(text: String) -> Result<Option<QrCode>, SplitLoaderError> {
    Ok(qr_code::encode(&text))
}

/// Properties of [`QrCodeOf`].
#[derive(Clone, PartialEq, Properties)]
pub struct QrCodeOfProps {
    /// The address.
    pub address: String,
    /// What has the address, such as `link`.
    pub of: &'static str,
    /// The name of the files, without extension.
    pub name: String,
}

/// The state of the code.
#[derive(Clone, PartialEq)]
enum Shown {
    Loading,
    Code(QrCode),
    TooLong,
    NotFetched,
}

/// A QR code that the visitor opens.
#[component]
pub fn QrCodeOf(props: &QrCodeOfProps) -> Html {
    let is_open = use_state(|| false);
    let shown = use_state(|| Shown::Loading);
    {
        let shown = shown.clone();
        use_effect_with((props.address.clone(), *is_open), move |(address, is_open)| {
            if *is_open {
                let address = address.clone();
                spawn_local(async move {
                    shown.set(match encode(address).await {
                        Ok(Some(code)) => Shown::Code(code),
                        Ok(None) => Shown::TooLong,
                        Err(_) => Shown::NotFetched,
                    });
                });
            }
        });
    }
    let failure = use_state(|| None);
    let ontoggle = Callback::from(move |event: Event| {
        is_open.set(event.target_dyn_into::<Element>().is_some_and(|details| details.has_attribute("open")));
    });
    let content = match &*shown {
        Shown::Loading => html! { <p class="muted">{ text!("Loading…") }</p> },
        Shown::Code(code) => drawn(code, props, &failure),
        Shown::TooLong => html! {
            <p class="err" role="status">{ text!("Too long for a QR code: the {} has {} characters, and a code holds {}. Save as JSON and send the file.", translated(props.of), props.address.len(), MAX_LENGTH) }</p>
        },
        Shown::NotFetched => html! { <p class="err" role="status">{ crate::app::NOT_FETCHED.get() }</p> },
    };
    html! { <details class="qr-code" {ontoggle}><summary>{ text!("QR code of the {}", translated(props.of)) }</summary>{ content }</details> }
}

fn drawn(code: &QrCode, props: &QrCodeOfProps, failure: &UseStateHandle<Option<PictureFailure>>) -> Html {
    let name = format!("{}-qr", props.name);
    let save_svg = {
        let (svg, name) = (code.svg(), format!("{name}.svg"));
        Callback::from(move |_: MouseEvent| files::download(&name, "image/svg+xml", &svg))
    };
    let save_png = {
        let (code, failure) = (code.clone(), failure.clone());
        Callback::from(move |_: MouseEvent| {
            let (canvas, failure, name) = (painted(&code), failure.clone(), format!("{name}.png"));
            spawn_local(async move { failure.set(save_png(canvas, &name).await.err()) });
        })
    };
    let QrCode { size, path } = code;
    html! { <>
        <svg role="img" aria-label={text!("QR code of the {}, which is the text in the field", translated(props.of))} viewBox={format!("0 0 {size} {size}")}>
            <path class="light" d={format!("M0 0h{size}v{size}H0z")} /><path class="dark" d={path.clone()} />
        </svg>
        if *size > DENSE {
            <p class="muted small">{ text!("{} × {} modules: show it large, so that a phone can read it.", size, size) }</p>
        }
        <div class="row"><button class="line" onclick={save_svg}>{ text!("QR code as SVG") }</button><button class="line" onclick={save_png}>{ text!("QR code as PNG") }</button></div>
        if let Some(failure) = **failure {
            <p class="err" role="status">{ failure.notice() }</p>
        }
    </> }
}

/// Saves a painted code as a PNG.
async fn save_png(canvas: Option<HtmlCanvasElement>, name: &str) -> Result<(), PictureFailure> {
    let canvas = canvas.ok_or(PictureFailure::NotPainted)?;
    let blob = picture::encode(&canvas).await.ok_or(PictureFailure::NotPainted)?;
    files::download_blob(name, &blob);
    Ok(())
}

/// Paints a code on a canvas; none if the browser does not paint.
fn painted(code: &QrCode) -> Option<HtmlCanvasElement> {
    let canvas = web_sys::window()?.document()?.create_element("canvas").ok()?.dyn_into::<HtmlCanvasElement>().ok()?;
    let side = f64::from(code.size) * PIXELS;
    canvas.set_width(side as u32);
    canvas.set_height(side as u32);
    let pen = canvas.get_context("2d").ok()??.dyn_into::<CanvasRenderingContext2d>().ok()?;
    pen.set_fill_style_str("#fff");
    pen.fill_rect(0.0, 0.0, side, side);
    pen.set_fill_style_str("#000");
    pen.scale(PIXELS, PIXELS).ok()?;
    pen.fill_with_path_2d(&Path2d::new_with_path_string(&code.path).ok()?);
    Some(canvas)
}
