//! The model as a whole: messages in, state and effects out, without a browser.

use super::*;
use crate::app::geometry::{Point, Rect, point};
use crate::app::gesture::{Press, Target};
use crate::app::scene::NodeKind;
use crate::scenario::{Command, Scenario};
use crate::session::protocol::{Frame, FromEngine, Report};

/// A page of 1,200 × 800 px that shows the first scenario.
fn first_page() -> Model {
    let mut model = Model::default();
    let canvas = (1200.0, 800.0);
    let sizes = Sizes { canvas, room: canvas, unit: 1.0, ..Sizes::default() };
    update(&mut model, Msg::Viewport(ViewportMsg::Resized(sizes)));
    update(&mut model, Msg::Document(DocumentMsg::OpenFirst));
    model
}

fn rect_of(model: &Model, id: &str) -> Rect {
    model.scene.nodes[model.scene.find(id).expect("the card")].rect
}

fn press(at: Point, target: Target) -> Msg {
    let (shift, control, touch, alt, pan) = (false, false, false, false, false);
    Msg::Pointer(PointerMsg::Down(Press { id: 1, at, target, key: None, shift, control, touch, alt, pan }))
}

/// Drags from one canvas point to another.
fn drag(model: &mut Model, target: Target, from: Point, to: Point) {
    let (from, to) = (model.viewport.camera.to_window(from), model.viewport.camera.to_window(to));
    update(model, press(from, target));
    update(model, Msg::Pointer(PointerMsg::Move { id: 1, at: from.mix(to, 0.5), control: false }));
    update(model, Msg::Pointer(PointerMsg::Move { id: 1, at: to, control: false }));
    update(model, Msg::Pointer(PointerMsg::Up { id: 1, at: to }));
}

#[test]
fn dragging_a_card_is_one_step_of_undo_and_ends_on_the_grid() {
    let mut model = first_page();
    let before = rect_of(&model, "inventory");
    let from = before.center();
    drag(&mut model, Target::Node("inventory".into()), from, point(from.x + 43.0, from.y + 328.0));
    let after = rect_of(&model, "inventory");
    assert_eq!((after.x % 10.0, after.y % 10.0), (0.0, 0.0), "{after:?}");
    assert!((after.x - before.x - 43.0).abs() <= 5.0 && (after.y - before.y - 328.0).abs() <= 5.0, "{after:?}");
    update(&mut model, Msg::Document(DocumentMsg::Undo));
    assert_eq!((rect_of(&model, "inventory"), model.document.can_undo()), (before, false));
}

#[test]
fn dragging_from_a_handle_to_a_card_connects_them() {
    let mut model = first_page();
    update(&mut model, Msg::Document(DocumentMsg::Add { kind: NodeKind::Service, at: None }));
    let (bus, service) = (rect_of(&model, "stock_updated"), rect_of(&model, "service-1"));
    drag(&mut model, Target::Handle("stock_updated".into()), point(bus.right(), bus.center().y), service.center());
    let subscribes = &model.document.scenario.services[2].subscribes;
    assert_eq!(subscribes.iter().map(|subscription| subscription.to.as_str()).collect::<Vec<_>>(), ["stock_updated"]);
}

#[test]
fn the_scissors_cut_every_link_that_they_cross() {
    let mut model = first_page();
    update(&mut model, Msg::Engine(FromEngine { epoch: 0, report: Report::Ready }.into()));
    update(&mut model, Msg::Pointer(PointerMsg::TakeTool(Tool::Cut)));
    let middle = model.scene.links[0].curve.at(0.5);
    drag(&mut model, Target::Empty, point(middle.x, middle.y - 80.0), point(middle.x, middle.y + 80.0));
    assert_eq!(model.notices.notice, None);
    assert_eq!(model.document.history.undoable(), Some("Cut Inventory – stock_updated"));
}

#[test]
fn a_preview_of_a_link_is_edited_only_as_a_copy() {
    let mut model = first_page();
    let opening = Opening { origin: Origin::Link, ..Opening::own(Scenario::first()) };
    update(&mut model, Msg::Document(DocumentMsg::Open(Box::new(opening))));
    let add = || Msg::Document(DocumentMsg::Add { kind: NodeKind::Bus, at: None });
    update(&mut model, add());
    assert_eq!(*model.document.scenario, Scenario::first());
    assert!(model.notices.notice.as_ref().is_some_and(|notice| notice.contains("Edit a copy")), "{:?}", model.notices);
    let effects = update(&mut model, Msg::Document(DocumentMsg::EditCopy));
    let is_save = |effect: &Effect| matches!(effect, Effect::Drawings(_));
    assert!(effects.iter().any(is_save), "the copy is kept: {effects:?}");
    update(&mut model, add());
    assert_eq!(model.document.scenario.buses.len(), 2);
}

#[test]
fn an_embed_that_only_plays_refuses_edits_and_commands() {
    let mut model = Model { mode: Mode::View, ..first_page() };
    update(&mut model, Msg::Document(DocumentMsg::Tidy));
    assert!(model.notices.notice.take().is_some_and(|notice| notice.contains("cannot be edited")));
    update(&mut model, Msg::Live(LiveMsg::Execute(Command::HealAll)));
    assert!(model.notices.notice.take().is_some_and(|notice| notice.contains("only plays")));
}

#[test]
fn the_notice_of_a_halted_run_ends_with_a_reset() {
    let mut model = first_page();
    // Answers the request that a message leads to. Returns the notice.
    let mut answer = |msg: Msg, halted: Option<&str>| {
        let effects = update(&mut model, msg);
        let epoch = effects
            .iter()
            .find_map(|effect| if let Effect::Send(request) = effect { Some(request.epoch) } else { None });
        let frame = Frame { whole: true, until: 10_000_000, halted: halted.map(String::from), ..Frame::default() };
        let report = Report::Frame(Box::new(frame));
        update(&mut model, Msg::Engine(FromEngine { epoch: epoch.expect("a request"), report }.into()));
        model.notices.notice.clone()
    };
    answer(Msg::Engine(FromEngine { epoch: 0, report: Report::Ready }.into()), None);
    let mut receive = |msg: PlaybackMsg, halted: Option<&str>| answer(Msg::Playback(msg), halted);
    let why = "The run was halted at 1.00 s: more than 500000 events happened at one instant.";
    assert_eq!(receive(PlaybackMsg::SeekEnd, Some(why)).as_deref(), Some(why));
    assert_eq!(receive(PlaybackMsg::SeekEnd, Some(why)).as_deref(), Some(why), "the run is still halted");
    assert_eq!(receive(PlaybackMsg::Reset, None), None);
    assert_eq!(receive(PlaybackMsg::SeekEnd, Some(why)).as_deref(), Some(why), "it halts again");
}

#[test]
fn opening_another_drawing_is_a_step_of_undo() {
    let mut model = first_page();
    assert!(!model.document.can_undo(), "there is nothing before the first drawing");
    update(&mut model, Msg::Selection(SelectionMsg::SelectAll));
    update(&mut model, Msg::Document(DocumentMsg::Tidy));
    let tidied = model.document.scenario.clone();
    update(&mut model, Msg::Document(DocumentMsg::OpenEmpty));
    assert!(model.selection.items.is_empty() && model.scene.nodes.is_empty());
    update(&mut model, Msg::Document(DocumentMsg::Undo));
    assert_eq!((&model.document.scenario, model.scene.nodes.len()), (&tidied, 3));
    update(&mut model, Msg::Document(DocumentMsg::Undo));
    assert_eq!(*model.document.scenario, Scenario::first());
    update(&mut model, Msg::Document(DocumentMsg::Redo));
    update(&mut model, Msg::Document(DocumentMsg::Redo));
    assert!(model.scene.nodes.is_empty());
}

#[test]
fn cards_dropped_on_an_empty_canvas_stay_where_they_were_dropped() {
    let mut model = first_page();
    update(&mut model, Msg::Document(DocumentMsg::OpenEmpty));
    let drops = [point(200.0, 150.0), point(900.0, 600.0), point(600.0, 400.0)];
    for at in drops {
        update(&mut model, Msg::Document(DocumentMsg::Add { kind: NodeKind::Service, at: Some(at) }));
    }
    for (n, at) in drops.iter().enumerate() {
        let middle = model.viewport.camera.to_window(rect_of(&model, &format!("service-{}", n + 1)).center());
        assert!(middle.distance(*at) < 15.0, "dropped at {at:?}, is at {middle:?}");
    }
}

#[test]
fn cards_added_by_repeated_clicks_do_not_overlap_and_are_visible() {
    let mut model = first_page();
    update(&mut model, Msg::Document(DocumentMsg::OpenEmpty));
    for _ in 0..7 {
        update(&mut model, Msg::Document(DocumentMsg::Add { kind: NodeKind::Service, at: None }));
    }
    let rects: Vec<Rect> = model.scene.nodes.iter().map(|node| node.rect).collect();
    for (i, rect) in rects.iter().enumerate() {
        assert!(rects[..i].iter().all(|other| !other.overlaps(rect)), "{rects:?}");
        let middle = model.viewport.camera.to_window(rect.center());
        assert!(middle.x > 0.0 && middle.x < 1200.0 && middle.y > 0.0 && middle.y < 800.0, "{middle:?}");
    }
}

#[test]
fn ten_nudges_are_one_step_of_undo() {
    let mut model = first_page();
    let before = rect_of(&model, "inventory");
    update(&mut model, Msg::Selection(SelectionMsg::Select(Some(CanvasItem::Node("inventory".into())))));
    for _ in 0..10 {
        update(&mut model, Msg::Keyboard(KeyboardMsg::Arrow { dx: 1, dy: 0, far: false }));
    }
    assert_eq!(rect_of(&model, "inventory").x, before.x + 100.0);
    update(&mut model, Msg::Document(DocumentMsg::Undo));
    assert_eq!((rect_of(&model, "inventory"), model.document.can_undo()), (before, false));
}

#[test]
fn pasted_cards_have_the_focus_names_and_places_of_their_own() {
    let mut model = first_page();
    update(&mut model, Msg::Selection(SelectionMsg::Select(Some(CanvasItem::Node("inventory".into())))));
    update(&mut model, Msg::Selection(SelectionMsg::Copy));
    for (id, name) in [("service-1", "Inventory 2"), ("service-2", "Inventory 3")] {
        let effects = update(&mut model, Msg::Document(DocumentMsg::Paste));
        assert!(effects.contains(&Effect::Focus(id.into())), "{effects:?}");
        assert_eq!(&*model.name_of(model.scene.find(id).expect("the copy")), name);
    }
    assert_ne!(rect_of(&model, "service-1"), rect_of(&model, "service-2"));
}

#[test]
fn a_new_link_is_slow_enough_to_be_seen() {
    let mut model = first_page();
    update(&mut model, Msg::Document(DocumentMsg::Add { kind: NodeKind::Service, at: None }));
    let connect = crate::app::outline::OutlineMsg::Connect { from: "stock_updated".into(), to: "service-1".into() };
    update(&mut model, Msg::Outline(connect));
    let link = model.scene.links.last().expect("the link");
    assert_eq!(&*link.label, "300–600 ms");
}

#[test]
fn deleting_a_row_of_the_outline_moves_the_focus_to_the_next_row() {
    let mut model = first_page();
    let item = CanvasItem::Node("inventory".into());
    let effects = update(&mut model, Msg::Outline(crate::app::outline::OutlineMsg::Delete(item)));
    let focus = effects.iter().rev().find_map(|effect| match effect {
        Effect::Focus(id) => Some(id.as_str()),
        _ => None,
    });
    assert_eq!(focus, Some("notification"), "{effects:?}");
}

#[test]
fn a_copied_card_can_be_pasted_after_it_was_deleted() {
    let mut model = first_page();
    update(&mut model, Msg::Selection(SelectionMsg::Select(Some(CanvasItem::Node("notification".into())))));
    update(&mut model, Msg::Document(DocumentMsg::Cut));
    assert_eq!(model.document.scenario.services.len(), 1);
    update(&mut model, Msg::Document(DocumentMsg::Paste));
    assert_eq!(model.document.scenario.services.len(), 2);
    assert_eq!(model.document.scenario.services[1].name, "Notification");
}

#[test]
fn a_lesson_on_a_phone_shows_every_card_of_its_system() {
    let mut model = first_page();
    let show = |model: &mut Model, height: f64| {
        let canvas = (390.0, height);
        let sizes = Sizes { canvas, room: canvas, narrow: true, unit: 1.0, ..Sizes::default() };
        update(model, Msg::Viewport(ViewportMsg::Resized(sizes)));
    };
    let is_visible = |model: &Model, height: f64| {
        model.scene.nodes.iter().all(|node| {
            let camera = model.viewport.camera;
            let (start, end) = (point(node.rect.x, node.rect.y), point(node.rect.right(), node.rect.bottom()));
            let window = Rect { x: 0.0, y: 0.0, w: 390.0, h: height };
            window.contains(camera.to_window(start)) && window.contains(camera.to_window(end))
        })
    };
    show(&mut model, 500.0);
    assert!(model.scene.is_column() && model.viewport.camera.scale == 1.0);
    model.lesson.is_open = true;
    show(&mut model, 247.0);
    assert!(is_visible(&model, 247.0), "{:?}", model.viewport.camera);
    model.lesson.is_open = false;
    show(&mut model, 500.0);
    assert!(model.scene.is_column());
}

#[test]
fn a_second_row_of_chips_covers_no_card_and_does_not_make_the_drawing_jump() {
    let mut model = first_page();
    let show = |model: &mut Model, chips: f64| {
        let canvas = (700.0, 300.0);
        let sizes = Sizes { canvas, room: canvas, overlays: (chips, 34.0), unit: 1.0, ..Sizes::default() };
        update(model, Msg::Viewport(ViewportMsg::Resized(sizes)));
        let tops = model.scene.nodes.iter().map(|node| model.viewport.camera.to_window(point(0.0, node.rect.y)).y);
        (tops.fold(f64::INFINITY, f64::min), model.viewport.camera)
    };
    show(&mut model, 26.0);
    let (top, camera) = show(&mut model, 58.0);
    assert!(top >= 12.0 + 58.0, "{top}");
    assert_eq!(show(&mut model, 26.0).1, camera);
}

#[test]
fn a_drawing_that_has_room_stays_where_it_is_when_a_card_is_duplicated() {
    let mut model = first_page();
    let sizes = |canvas| Sizes { canvas, room: canvas, unit: 1.0, ..Sizes::default() };
    update(&mut model, Msg::Selection(SelectionMsg::Select(Some(CanvasItem::Node("inventory".into())))));
    // The inspector makes the canvas narrower. The writer's button has no room below it, once a copy is there.
    update(&mut model, Msg::Viewport(ViewportMsg::Resized(sizes((896.0, 591.0)))));
    let camera = model.viewport.camera;
    update(&mut model, Msg::Document(DocumentMsg::Duplicate));
    update(&mut model, Msg::Viewport(ViewportMsg::Resized(sizes((896.0, 569.0)))));
    assert_eq!(model.scene.nodes.len(), 4);
    assert_eq!(model.viewport.camera, camera);
}
