//! What the page opens: what its address names, an example, or the visitor's own work.

use super::{Page, PageMsg};
use crate::app::browser::address::{self, Address};
use crate::app::browser::{library, storage, theme};
use crate::app::model::{KEPT_BEFORE, KEPT_WORK, Mode, Msg, Origin};
use crate::app::ui::messages::Inks;
use crate::scenario::{Scenario, examples};
use yew::prelude::*;

impl Page {
    /// Opens what the address names, else the visitor's own work.
    pub(super) fn open_address(&mut self, ctx: &Context<Self>) {
        let fragment = address::fragment();
        if address::is_embed() {
            let said = address::read(&fragment);
            (self.model.mode, self.model.controls) = (said.mode, said.controls);
        }
        if address::read(&fragment).names {
            self.open_named(ctx, &fragment);
        } else {
            self.open_own();
            self.heed(&address::read(&fragment));
        }
    }

    /// Opens what a fragment names; what opens it is fetched before, where it is not here yet.
    pub(super) fn open_named(&mut self, ctx: &Context<Self>, fragment: &str) {
        let Some(library) = library::at_hand() else {
            // Something stands there meanwhile, or for good.
            if self.model.scenario.services.is_empty() {
                self.open_own();
            }
            let fragment = fragment.to_string();
            return ctx.link().send_future(async {
                match library::fetch().await {
                    Ok(_) => PageMsg::Named(fragment),
                    Err(why) => PageMsg::Model(Msg::LinkFailed(does_not_open(&why))),
                }
            });
        };
        match library.open(fragment) {
            Ok(opened) => {
                // What an embed changes is its own: nothing of it is kept.
                let own = opened.example.is_some() || self.model.mode == Mode::Edit;
                let origin = if own { Origin::Own } else { Origin::Link };
                let (at, digest) = (opened.at.unwrap_or(0), opened.digest);
                self.tell(Msg::Open { scenario: Box::new(opened.scenario), origin, at, digest });
            }
            Err(why) => {
                // What stands there already, and what was done in it, is not touched.
                if self.model.scenario.services.is_empty() {
                    self.open_own();
                }
                self.heed(&Address { autoplay: false, ..address::read(fragment) });
                return self.tell(Msg::LinkFailed(does_not_open(&why)));
            }
        }
        self.heed(&address::read(fragment));
    }

    /// Does what else an address says.
    fn heed(&mut self, address: &Address) {
        if let Some(theme) = address.theme {
            self.model.theme = theme;
            theme::apply(theme);
            self.inks = Inks::read();
        }
        if let Some(speed) = address.speed {
            self.tell(Msg::Speed(speed));
        }
        if address.autoplay && !self.model.reduced_motion {
            self.tell(Msg::TogglePlay);
        }
    }

    /// The visitor's own work; where there is none, the first example.
    fn open_own(&mut self) {
        let kept = if self.model.mode == Mode::App { storage::kept(KEPT_WORK) } else { None };
        let own = kept.and_then(|text| Scenario::from_json(&text).ok());
        let is_own = own.is_some();
        let scenario = Box::new(own.unwrap_or_else(examples::first));
        self.tell(Msg::Open { scenario, origin: Origin::Own, at: 0, digest: None });
        self.model.kept = is_own;
    }

    /// The visitor's work where another drawing is open; else the work before it.
    pub(super) fn open_other(&mut self) {
        let name = if self.model.kept { KEPT_BEFORE } else { KEPT_WORK };
        match storage::kept(name).and_then(|text| Scenario::from_json(&text).ok()) {
            Some(scenario) => {
                self.tell(Msg::Open { scenario: Box::new(scenario), origin: Origin::Own, at: 0, digest: None });
                self.model.kept = name == KEPT_WORK;
            }
            None => self.tell(Msg::EditRefused("There is no other drawing of yours yet.".into())),
        }
    }
}

fn does_not_open(why: &str) -> String {
    format!("This link does not open: {}.", why.trim_end_matches('.'))
}
