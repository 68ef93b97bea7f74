//! What the page opens: what its address names, an example, or the visitor's own work.

use super::{Page, PageMsg};
use crate::app::browser::address::{self, Address};
use crate::app::browser::{library, storage, theme};
use crate::app::model::{KEPT_BEFORE, KEPT_WORK, Mode, Msg, Origin};
use crate::app::ui::messages::Inks;

impl Page {
    /// Opens what the address names, else the visitor's own work.
    pub(super) fn open_address(&mut self) {
        let fragment = address::fragment();
        if address::is_embed() {
            let said = address::read(&fragment);
            (self.model.mode, self.model.controls) = (said.mode, said.controls);
        }
        if address::read(&fragment).names {
            self.open_named(&fragment);
        } else {
            self.open_own();
            self.heed(&address::read(&fragment));
        }
    }

    /// Opens what a fragment names; what opens it is fetched before, where it is not here yet.
    pub(super) fn open_named(&mut self, fragment: &str) {
        let Some(library) = library::at_hand() else {
            // Something stands there meanwhile, or for good.
            if self.model.scenario.services.is_empty() {
                self.open_own();
            }
            let fragment = fragment.to_string();
            return self.link.send_future(async {
                match library::fetch().await {
                    Ok(_) => PageMsg::Named(fragment),
                    Err(why) => PageMsg::Model(Msg::LinkFailed(does_not_open(&why))),
                }
            });
        };
        match library.open(fragment) {
            Ok(mut opening) => {
                if self.model.mode == Mode::Edit {
                    // What an embed changes is its own: nothing of it is kept.
                    opening.origin = Origin::Own;
                }
                self.tell(Msg::Open(opening));
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
        let own = kept.as_deref().zip(library::at_hand()).and_then(|(text, library)| library.read(text));
        let is_own = own.is_some();
        self.tell(own.map_or(Msg::OpenFirst, Msg::Open));
        self.model.kept = is_own;
        if kept.is_some() && !is_own {
            self.tell(Msg::EditRefused("Your drawing could not be opened; it is kept.".into()));
        }
    }

    /// The visitor's work where another drawing is open; else the work before it.
    pub(super) fn open_other(&mut self) {
        let name = if self.model.kept { KEPT_BEFORE } else { KEPT_WORK };
        let Some(library) = library::at_hand() else {
            return self.link.send_future(async {
                match library::fetch().await {
                    Ok(_) => PageMsg::Model(Msg::OpenOther),
                    Err(why) => PageMsg::Model(Msg::EditRefused(format!("Your drawing does not open: {why}"))),
                }
            });
        };
        match storage::kept(name).and_then(|text| library.read(&text)) {
            Some(opening) => {
                self.tell(Msg::Open(opening));
                self.model.kept = name == KEPT_WORK;
            }
            None => self.tell(Msg::EditRefused("There is no other drawing of yours yet.".into())),
        }
    }
}

fn does_not_open(why: &str) -> String {
    format!("This link does not open: {}.", why.trim_end_matches('.'))
}
