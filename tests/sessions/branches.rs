//! Branches of a run, and their comparison.

use super::*;

#[test]
fn acting_in_the_past_forks_and_the_old_future_stays_as_a_branch() {
    let (mut page, opened) = Page::open(first());
    let branches = opened.branches.expect("the branches");
    assert_eq!((branches.list.len(), branches.list[0].name.as_str()), (1, "Main"));
    page.frame(publish(49));
    let ahead = page.advance(3_000_000).digest;
    page.frame(Request::Seek { to: 100_000 });
    // An invalid command does not fork.
    let invalid = Command::CutLink { from: "inventory".into(), to: "notification".into(), one_way: false };
    assert!(page.frame(Request::Act { command: invalid }).branches.is_none());
    let branches = page.frame(cut()).branches.expect("a fork");
    let names: Vec<&str> = branches.list.iter().map(|branch| branch.name.as_str()).collect();
    assert_eq!((names, branches.current), (vec!["Main", "Branch 2"], 1));
    assert_eq!((branches.list[0].script.len(), branches.list[1].script.len()), (1, 2));
    let forked = page.advance(3_000_000).digest;
    assert_ne!(forked, ahead, "the event met the cut link");
    // At the newest instant there is no future to fork from.
    let branches = page.frame(publish(50)).branches.expect("its steps changed");
    assert_eq!((branches.list.len(), branches.list[1].script.len()), (2, 3));
    let forked = page.advance(3_000_000).digest;
    let back = page.frame(Request::Branch(BranchCommand::Show(0)));
    assert_eq!((back.now, back.digest), (3_000_000, ahead.clone()), "the future that was discarded is still there");
    // A link carries both branches and opens the shown one.
    let (document, digest, _) = page.described();
    assert_eq!((digest, document.branches.len(), document.branch.as_str()), (ahead, 2, "Main"));
    let (mut other, _) = Page::open(Scenario::from_json(&document.to_json()).expect("a valid scenario"));
    other.frame(Request::Branch(BranchCommand::Show(1)));
    assert_eq!(other.advance(3_000_000).digest, forked);
}

#[test]
fn two_branches_are_compared_at_one_instant() {
    let (mut page, _) = Page::open(first());
    page.frame(publish(49));
    let main = page.advance(1_000_000).digest;
    page.frame(Request::Seek { to: 100_000 });
    page.frame(cut());
    let both = page.frame(Request::Branch(BranchCommand::Compare(Some(0))));
    assert_eq!(both.branches.expect("the list of branches").compared, Some(0));
    let both = page.advance(1_000_000);
    let other = both.compared.expect("the other branch");
    assert_eq!((both.now, other.now), (1_000_000, 1_000_000));
    assert_eq!(other.digest, main);
    assert_ne!(both.digest, main);
    let earlier = page.frame(Request::Seek { to: 50_000 });
    let other = earlier.compared.expect("the other branch");
    assert_eq!((other.now, other.digest), (50_000, earlier.digest), "before they part they are one run");
    // Showing the compared branch swaps the two.
    let swapped = page.frame(Request::Branch(BranchCommand::Show(0))).branches.expect("the list of branches");
    assert_eq!((swapped.current, swapped.compared), (0, Some(1)));
    assert!(page.frame(Request::Branch(BranchCommand::Compare(Some(0)))).refused.is_some(), "with itself");
    assert!(page.frame(Request::Branch(BranchCommand::Compare(None))).compared.is_none());
}

#[test]
fn branches_can_differ_in_settings_and_survive_an_edit() {
    let (mut page, _) = Page::open(first());
    let set = [("notification.subscribes.0.processing".to_string(), r#"{"constant":{"ms":900}}"#.to_string())];
    let new_branch = BranchCommand::New { name: Some("slow".into()), set: set.into_iter().collect() };
    page.frame(Request::Branch(new_branch));
    page.frame(publish(49));
    let slow = page.advance(800_000);
    assert_eq!(slow.summary.stale, 1);
    let taken = BranchCommand::Rename(0, "slow".into());
    assert!(page.frame(Request::Branch(taken)).refused.expect("taken").contains("slow"));
    // An edit that removes the subject of a setting keeps the other settings.
    let mut edited = first();
    edited.services.truncate(1);
    edited.links.truncate(1);
    let branches =
        page.frame(Request::Edit { scenario: Box::new(edited.clone()) }).branches.expect("the list of branches");
    assert_eq!((branches.list.len(), branches.list[1].script.len()), (2, 1));
    let only = page.frame(Request::Branch(BranchCommand::Remove(1))).branches.expect("the list of branches");
    assert_eq!((only.list.len(), only.current), (1, 0));
    assert!(page.frame(Request::Branch(BranchCommand::Remove(0))).refused.is_some(), "the only branch stays");
}
