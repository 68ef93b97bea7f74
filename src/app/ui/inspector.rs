//! The inspector of what is selected.
