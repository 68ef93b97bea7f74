use super::*;
use crate::app::keys::Modifiers;
use crate::app::model::{DocumentMsg, Model, update};

#[test]
fn every_action_has_its_own_name_keys_and_texts() {
    for (i, action) in ACTIONS.iter().enumerate() {
        assert!(std::ptr::eq(action.id.action(), action), "{:?} has two objects", action.id);
        for text in [action.label(), action.help()] {
            assert!(
                text.starts_with(|first: char| first.is_uppercase() || first == '+') && !text.ends_with('.'),
                "{text:?} is no short label"
            );
        }
        for other in &ACTIONS[i + 1..] {
            let shared = action.shortcuts.iter().find(|shortcut| other.shortcuts.contains(shortcut));
            assert_eq!(shared, None, "{:?} and {:?}", action.id, other.id);
        }
    }
    // The last name of the enum: without an object for it, the count would differ.
    assert_eq!(ACTIONS.len(), ActionId::Examples as usize + 1);
}

#[test]
fn every_action_can_be_executed_on_a_new_page() {
    for action in ACTIONS {
        let mut model = Model::default();
        update(&mut model, Msg::Document(DocumentMsg::OpenFirst));
        let is_enabled = (action.is_enabled)(&model);
        let was_on = action.is_on.map(|is_on| is_on(&model));
        update(&mut model, (action.msg)());
        let is_on = action.is_on.map(|is_on| is_on(&model));
        assert!(!is_enabled || was_on.is_none() || was_on != is_on, "{:?} switches nothing", action.id);
    }
}

#[test]
fn shortcuts_find_their_actions() {
    let plain = Modifiers::default();
    let (shift, control) = (Modifiers { shift: true, ..plain }, Modifiers { control: true, ..plain });
    let find = |key, held| for_key(key, held).map(|action| action.id);
    assert_eq!(find(" ", plain), Some(ActionId::Play));
    assert_eq!(find("p", plain), Some(ActionId::Publish));
    assert_eq!(find("P", shift), Some(ActionId::Publish), "Caps Lock or Shift makes no difference");
    assert_eq!(find("1", shift), Some(ActionId::Fit));
    assert_eq!(find("1", plain), Some(ActionId::AddService));
    assert_eq!(find(".", shift), Some(ActionId::NextMark));
    assert_eq!(find("?", shift), Some(ActionId::Help), "written with Shift on many layouts");
    assert_eq!(find("+", shift), Some(ActionId::ZoomIn));
    assert_eq!(find("]", Modifiers { control: true, alt: true, shift: false }), Some(ActionId::Faster));
    assert_eq!(find("y", control), Some(ActionId::Redo));
    assert_eq!(find("z", Modifiers { shift: true, ..control }), Some(ActionId::Redo));
    assert_eq!(find("F10", shift), Some(ActionId::Menu));
    assert_eq!(find("F10", plain), None);
    assert_eq!(ActionId::Redo.action().keys(), "Ctrl+Shift+Z or Ctrl+Y");
    assert_eq!(ActionId::Play.action().tooltip(), "Play or pause (Space)");
}

#[test]
fn tab_and_the_browsers_own_keys_have_no_action() {
    let plain = Modifiers::default();
    let find = |key, held| for_key(key, held).map(|action| action.id);
    assert_eq!(find("Tab", plain), None);
    assert_eq!(find("r", Modifiers { control: true, ..plain }), None);
    assert_eq!(find("F5", plain), None);
    assert_eq!(find("z", Modifiers { alt: true, ..plain }), None);
}
