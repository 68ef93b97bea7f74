//! The words around a lesson, in each language. A missing one does not compile.

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident: $english:literal, $german:literal;)*) => {
        /// The words around a lesson.
        #[derive(Debug)]
        pub struct LessonWords {
            $($(#[$doc])* pub $name: &'static str,)*
        }

        const ENGLISH: LessonWords = LessonWords { $($name: $english),* };
        const GERMAN: LessonWords = LessonWords { $($name: $german),* };
    };
}

words! {
    /// The name of the view.
    lesson: "Lesson", "Lektion";
    /// The name of the tabs.
    steps: "Steps", "Schritte";
    /// Closes the view.
    close: "Close the lesson", "Lektion schließen";
    /// Shows more of the text on a phone.
    enlarge: "Show more of the text", "Mehr vom Text zeigen";
    /// Shows less of it again.
    reduce: "Show less of the text", "Weniger vom Text zeigen";
    /// The button to the next step.
    next: "Next", "Weiter";
    /// The button to the previous step.
    previous: "Previous", "Zurück";
    /// The text while the file is fetched.
    loading: "The lesson is loading.", "Die Lektion wird geladen.";
    /// The heading of a file that is not a lesson.
    invalid: "This file is not a valid lesson", "Diese Datei ist keine gültige Lektion";
    /// The heading of a file that could not be fetched.
    not_fetched: "The lesson could not be opened", "Die Lektion konnte nicht geöffnet werden";
    /// The word before the number of a line.
    line: "Line", "Zeile";
    /// The button that opens the first lesson.
    open_first: "Open the lesson on eventual consistency", "Lektion über Eventual Consistency öffnen";
    /// Tries to fetch again.
    try_again: "Try again", "Noch einmal versuchen";
    /// The text while numbers are measured.
    measuring: "Measuring the numbers of this step", "Die Zahlen dieses Schritts werden gemessen";
    /// The words before the number of runs.
    measured: "Numbers measured here, runs of each system:", "Zahlen hier gemessen, Läufe je System:";
    /// A number that is not measured yet.
    not_yet: "being measured", "wird gemessen";
    /// A claim that the engine refutes.
    refuted: "the engine refutes this", "die Simulation widerlegt das";
    /// Opens a scenario.
    show_system: "Show this system", "Dieses System zeigen";
    /// The scenario that is on the canvas.
    shown_system: "On the canvas", "Auf der Zeichenfläche";
    /// The programming languages.
    code_language: "Programming language", "Programmiersprache";
    /// The help of a line of code.
    go_to_line: "Go to the next instant at which the run reaches this line", "Zum nächsten Zeitpunkt, an dem der Lauf diese Zeile erreicht";
    /// The run is at this line.
    now_here: "reached now", "jetzt erreicht";
    /// Above the choices.
    predict: "Your prediction", "Deine Vorhersage";
    /// The button that proves an answer.
    prove: "Prove it", "Beweisen";
    /// The verdict on a right answer.
    right: "Right.", "Richtig.";
    /// The verdict on a wrong answer.
    wrong: "Not right.", "Nicht richtig.";
    /// Marks the right choice.
    proved: "proved", "bewiesen";
    /// Marks a wrong choice.
    refuted_choice: "refuted", "widerlegt";
    /// Marks the choice of the reader.
    yours: "your prediction", "deine Vorhersage";
    /// Opens the run of a choice.
    show_run: "Show the run", "Lauf zeigen";
    /// The run of a choice is on the canvas.
    shown_run: "The run is on the canvas", "Der Lauf ist auf der Zeichenfläche";
    /// Asks a question again.
    again: "Answer again", "Noch einmal antworten";
    /// Level 1.
    easy: "easy", "leicht";
    /// Level 2.
    medium: "medium", "mittel";
    /// Level 3.
    hard: "hard", "schwer";
    /// The words after the number of right answers.
    right_first: "right on the first try", "beim ersten Versuch richtig";
    /// The words after the number of answers.
    answered: "answered", "beantwortet";
    /// Saves the answers.
    export: "Save the answers", "Antworten speichern";
    /// Forgets the answers.
    forget: "Forget the answers", "Antworten vergessen";
    /// The word before the title of a challenge.
    challenge: "Challenge:", "Aufgabe:";
    /// The languages of the lesson.
    language: "Language", "Sprache";
    /// The link to the lesson as a page.
    page: "As a page to print", "Als Seite zum Drucken";
    /// Closes the meaning of a term.
    close_term: "Close", "Schließen";
}

impl LessonWords {
    /// Returns the words of a language; English if it has none.
    pub fn of(language: &str) -> &'static LessonWords {
        if language == "de" { &GERMAN } else { &ENGLISH }
    }
}
