//! Dialogs: share, preview banner, help.
