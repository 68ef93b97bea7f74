//! The fields of a lesson between two lines `---` at its start.

use super::Reader;
use crate::language::{phrase, sentence};

impl Reader<'_> {
    /// Reads the lines between `---` at the start.
    pub(super) fn front_matter(&mut self) {
        let lines = self.lesson.lines.clone();
        let end = lines.iter().skip(1).position(|line| line.trim_end() == "---").map(|index| index + 1);
        let (Some("---"), Some(end)) = (lines.first().map(|line| line.trim_end()), end) else {
            return self.error(
                1,
                phrase(
                    "front matter between two lines `---` is expected, with `lesson: 1`, `id` and `title`",
                    "am Anfang werden zwischen zwei Zeilen `---` die Angaben `lesson: 1`, `id` und `title` erwartet",
                ),
            );
        };
        let mut version = None;
        for (index, line) in lines[1..end].iter().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let (name, value) = line.split_once(':').map_or((line.as_str(), ""), |(name, value)| (name, value.trim()));
            match name.trim() {
                "lesson" => version = Some(value.to_string()),
                "id" => self.lesson.id = value.into(),
                "title" => self.lesson.title = value.into(),
                "language" => self.lesson.language = value.into(),
                "translations" => self.translations(value, index + 2),
                other => {
                    self.error(index + 2, sentence!(
                        "unknown field `{other}`; `lesson`, `id`, `title`, `language` or `translations` is expected",
                        "unbekanntes Feld `{other}`; erlaubt sind `lesson`, `id`, `title`, `language` und `translations`"
                    ));
                }
            }
        }
        if version.as_deref() != Some("1") {
            self.error(
                1,
                phrase(
                    "`lesson: 1`, the version of the format, is expected in the front matter",
                    "am Anfang wird `lesson: 1` erwartet, die Version des Formats",
                ),
            );
        }
        let is_id = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if self.lesson.id.is_empty() || !self.lesson.id.chars().all(is_id) {
            self.error(
                1,
                phrase(
                    "`id` of lower-case letters, digits and `-` is expected in the front matter",
                    "am Anfang wird `id` aus Kleinbuchstaben, Ziffern und `-` erwartet",
                ),
            );
        }
        if self.lesson.language.is_empty() {
            self.lesson.language = "en".into();
        } else if !self.lesson.language.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
            self.error(
                1,
                phrase(
                    "`language` is a tag such as `en` or `pt-BR`",
                    "`language` ist ein Kürzel wie `en` oder `pt-BR`",
                ),
            );
        }
        if self.lesson.title.is_empty() {
            self.error(1, phrase("`title` is expected in the front matter", "am Anfang wird `title` erwartet"));
        }
    }

    /// Reads the list `de=FILE, fr=FILE` of the same lesson in other languages.
    fn translations(&mut self, list: &str, line: usize) {
        for entry in list.split(',').map(str::trim) {
            let file = entry.split_once('=').filter(|(language, file)| {
                let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
                language.len() == 2 && !file.is_empty() && file.chars().all(is_plain)
            });
            match file {
                Some((language, file)) => self.lesson.translations.push((language.into(), file.into())),
                None => self.error(
                    line,
                    sentence!(
                        "`LANGUAGE=FILE` is expected, as in `de=lesson.de.md`, not `{entry}`",
                        "`SPRACHE=DATEI` wird erwartet, wie in `de=lesson.de.md`, nicht `{entry}`"
                    ),
                ),
            }
        }
    }
}
