//! The storage of the visitor's drawings: a database of the browser (IndexedDB). Its code is loaded with that of documents.
//!
//! `drawings` contains the title, time and revision of each drawing, `texts` its newest content, and `versions` former contents.

use super::slices::within;
use super::{files, storage};
use crate::app::kept_drawings::{
    DrawingInfo, DrawingsAnswer, DrawingsRequest, StorageProblem, Version, exported, stored, unique_title,
};
use crate::app::model::{DrawingsMsg, KEPT_LAST, KEPT_WORK, Msg, Opening, TabRecord};
use crate::app::titles::{COPY, RECOVERED};
use crate::scenario::Scenario;
use js_sys::{Array, Promise};
use std::collections::BTreeSet;
use std::pin::Pin;
use std::rc::Rc;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use wasm_split_helpers::{SplitLoaderError, wasm_split};
use web_sys::{
    IdbDatabase, IdbKeyRange, IdbObjectStore, IdbOpenDbRequest, IdbRequest, IdbTransaction, IdbTransactionMode,
};
use yew::Callback;

const NAME: &str = "converge";
const DRAWINGS: &str = "drawings";
const TEXTS: &str = "texts";
const VERSIONS: &str = "versions";
/// The shortest time between two kept versions, ms.
const VERSION_INTERVAL: f64 = 60_000.0;
/// The maximum number of versions of a drawing.
const MAX_VERSIONS: usize = 30;
/// How long a deleted drawing can be restored, ms.
const DELETED_FOR: f64 = 30.0 * 24.0 * 3_600_000.0;

/// The time after which a storage without an answer is reported, ms.
const ANSWER_TIMEOUT: i32 = 8_000;

type Answer = Result<DrawingsAnswer, StorageProblem>;

/// Executes a request.
///
/// # Errors
/// The code could not be fetched.
#[wasm_split(documents, fallible)]
pub fn execute(
    request: DrawingsRequest,
    send: Option<Callback<Msg>>,
) -> Result<Pin<Box<dyn Future<Output = Answer>>>, SplitLoaderError> {
    Ok(Box::pin(answer(request, send)))
}

/// Executes a request, and reports code that could not be fetched as a problem. With `send`, a drawing whose save takes long is
/// reported as not saved; its answer is still waited for.
///
/// # Errors
/// The code could not be fetched, or the storage does not execute the request.
pub async fn request(request: DrawingsRequest, send: Option<Callback<Msg>>) -> Answer {
    execute(request, send).await.map_err(|_| StorageProblem::NotFetched)?.await
}

/// A document to open, and the drawing's record if the browser keeps it.
type Restored = Option<(Box<Opening>, Option<DrawingInfo>)>;

/// Reads what a tab has kept while it was reloaded; `None` if it is not about the address with this fragment, or another tab has
/// changed the drawing since.
///
/// # Errors
/// The code could not be fetched.
#[wasm_split(documents, fallible)]
pub fn restore(text: String, fragment: String) -> Result<Pin<Box<dyn Future<Output = Restored>>>, SplitLoaderError> {
    Ok(Box::pin(async move {
        let record = TabRecord::from_text(&text, &fragment)?;
        forget_for_next_visit(record.document());
        let kept = match (record.drawing(), record.revision) {
            (Some(id), Some(revision)) => {
                let request = DrawingsRequest::Read { id: id.clone(), version: None };
                let Ok(DrawingsAnswer::Read(info, saved)) = answer(request, None).await else { return None };
                // A save may have ended after the record was written.
                let is_unchanged = info.revision == revision || *saved == *record.document();
                Some(info).filter(|info| info.deleted.is_none() && is_unchanged)?.into()
            }
            // It could not be saved.
            (Some(_), None) | (None, _) => None,
        };
        Some((Box::new(record.opening()), kept))
    }))
}

/// Keeps work that cannot be saved before the page is left. The next access to the storage moves it there.
pub fn keep_for_next_visit(work: &Scenario) {
    let newest = stored(work);
    let mut text = newest.clone();
    for name in KEPT_WORK {
        let former = storage::kept(name).filter(|former| *former != newest);
        storage::keep(name, &text);
        let Some(former) = former else { break };
        text = former;
    }
}

/// Removes work that was kept for the next visit, because its tab shows it again or the storage has it.
pub fn forget_for_next_visit(work: &Scenario) {
    for name in KEPT_WORK {
        if storage::kept(name).is_some_and(|text| text == stored(work)) {
            storage::forget(name);
        }
    }
}

async fn answer(request: DrawingsRequest, send: Option<Callback<Msg>>) -> Answer {
    let is_save = matches!(request, DrawingsRequest::Save { .. } | DrawingsRequest::Recover { .. });
    let mut work = Box::pin(execute_now(request));
    match within(ANSWER_TIMEOUT, &mut work).await {
        Some(answer) => answer,
        None if is_save => {
            // The page learns also later whether the drawing is saved, so it does not save it twice.
            if let Some(send) = send {
                send.emit(Msg::Drawings(DrawingsMsg::NotSaved(StorageProblem::Silent)));
            }
            work.await
        }
        None => Err(StorageProblem::Silent),
    }
}

async fn execute_now(request: DrawingsRequest) -> Answer {
    let store = Store::open().await?;
    match request {
        DrawingsRequest::List => store.list().await,
        DrawingsRequest::Save { id, base, scenario, caption } => {
            let text = stored(&scenario);
            match store.save(&id, base, (&scenario.title, Some(caption.clone())), &text).await? {
                Some(info) => Ok(DrawingsAnswer::Saved(info)),
                None => Ok(DrawingsAnswer::Conflict { id, scenario, caption }),
            }
        }
        DrawingsRequest::Recover { id, scenario } => store.recover(&id, &scenario).await,
        DrawingsRequest::Read { id, version } => {
            let info = store.info(&id).await?;
            let text = match version {
                None => store.text(TEXTS, &id).await?,
                Some(at) => store.text(VERSIONS, &version_key(&id, at)).await?,
            };
            Ok(DrawingsAnswer::Read(info, Box::new(read(&id, &text)?)))
        }
        DrawingsRequest::Rename { id, title } => {
            let info = store.info(&id).await?;
            let scenario = Scenario { title, ..read(&id, &store.text(TEXTS, &id).await?)? };
            store.save(&id, Some(info.revision), (&scenario.title, None), &scenario.to_json()).await?;
            store.list().await
        }
        DrawingsRequest::Duplicate { id, copy } => {
            let mut scenario = read(&id, &store.text(TEXTS, &id).await?)?;
            scenario.title = COPY.behind(&scenario.title);
            let caption = store.info(&id).await.ok().map(|info| info.caption);
            store.save(&copy, None, (&scenario.title, caption), &scenario.to_json()).await?;
            store.list().await
        }
        DrawingsRequest::Delete { id, deleted } => {
            let info = DrawingInfo { deleted: deleted.then(js_sys::Date::now), ..store.info(&id).await? };
            store.put_info(&info).await?;
            store.list().await
        }
        DrawingsRequest::Versions(id) => store.versions(&id).await.map(|list| DrawingsAnswer::Versions(id, list)),
        DrawingsRequest::ExportAll => store.export().await,
        DrawingsRequest::Import { id, drawings } => store.import(&id, &drawings).await,
        DrawingsRequest::Download(id) => {
            let title = store.info(&id).await.map(|info| info.title).unwrap_or_default();
            Ok(DrawingsAnswer::File(format!("{}.json", files::name_of(&title)), store.text(TEXTS, &id).await?))
        }
    }
}

fn read(id: &str, text: &str) -> Result<Scenario, StorageProblem> {
    let why = |errors: Vec<crate::scenario::ScenarioError>| errors.first().map(ToString::to_string).unwrap_or_default();
    Scenario::from_json(text).map_err(|errors| StorageProblem::Damaged(id.into(), why(errors)))
}

/// Returns the key of a version. Keys of one drawing are in the order of time.
fn version_key(id: &str, at: f64) -> String {
    format!("{id}/{at:015}")
}

struct Store(IdbDatabase);

impl Drop for Store {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl Store {
    async fn open() -> Result<Store, StorageProblem> {
        let factory = web_sys::window().and_then(|window| window.indexed_db().ok().flatten());
        let request = factory.and_then(|factory| factory.open_with_u32(NAME, 1).ok()).ok_or(StorageProblem::Blocked)?;
        let on_upgrade = {
            let request = request.clone();
            Closure::<dyn FnMut()>::new(move || {
                let Ok(database) = request.result().and_then(|result| result.dyn_into::<IdbDatabase>()) else { return };
                for name in [DRAWINGS, TEXTS, VERSIONS] {
                    let _ = database.create_object_store(name);
                }
            })
        };
        request.set_onupgradeneeded(Some(on_upgrade.as_ref().unchecked_ref()));
        let opened = done(AsRef::<IdbRequest>::as_ref(AsRef::<IdbOpenDbRequest>::as_ref(&request))).await;
        let database = opened.map_err(|_| StorageProblem::Blocked)?;
        let store = Store(database.dyn_into().map_err(|_| StorageProblem::Blocked)?);
        store.import_kept_work().await;
        Ok(store)
    }

    fn transaction(&self, mode: IdbTransactionMode) -> Result<IdbTransaction, StorageProblem> {
        let names = [DRAWINGS, TEXTS, VERSIONS].map(JsValue::from_str);
        let names = Array::from_iter(names.iter());
        self.0.transaction_with_str_sequence_and_mode(&names, mode).map_err(problem)
    }

    async fn get(&self, store: &str, key: &str) -> Result<Option<String>, StorageProblem> {
        let transaction = self.transaction(IdbTransactionMode::Readonly)?;
        get(&transaction, store, key).await
    }

    async fn text(&self, store: &str, key: &str) -> Result<String, StorageProblem> {
        self.get(store, key).await?.ok_or(StorageProblem::Missing)
    }

    async fn info(&self, id: &str) -> Result<DrawingInfo, StorageProblem> {
        let text = self.text(DRAWINGS, id).await?;
        match serde_json::from_str(&text) {
            Ok(info) => Ok(info),
            Err(_) => self.rebuilt(id).await,
        }
    }

    /// Returns the information about a drawing from its content, where its own record is damaged.
    async fn rebuilt(&self, id: &str) -> Result<DrawingInfo, StorageProblem> {
        let text = self.text(TEXTS, id).await?;
        let title = Scenario::from_json(&text).map(|scenario| scenario.title).unwrap_or_default();
        Ok(DrawingInfo { id: id.into(), title, ..DrawingInfo::default() })
    }

    async fn put_info(&self, info: &DrawingInfo) -> Result<(), StorageProblem> {
        let transaction = self.transaction(IdbTransactionMode::Readwrite)?;
        put(&transaction, DRAWINGS, &info.id, &to_text(info))?;
        completed(&transaction).await
    }

    /// Saves a drawing if the storage has the revision that it is based on, and keeps the content before as a version. Without
    /// a caption, it keeps the one that it has.
    async fn save(
        &self,
        id: &str,
        base: Option<u32>,
        (title, caption): (&str, Option<Rc<str>>),
        text: &str,
    ) -> Result<Option<DrawingInfo>, StorageProblem> {
        let now = js_sys::Date::now();
        let transaction = self.transaction(IdbTransactionMode::Readwrite)?;
        // Infos that cannot be read are overwritten; the text before is kept as a version.
        let known = get(&transaction, DRAWINGS, id).await?;
        let known = known.and_then(|text| serde_json::from_str::<DrawingInfo>(&text).ok());
        if known.as_ref().is_some_and(|known| base != Some(known.revision)) {
            return Ok(None);
        }
        if let (Some(known), Some(before)) = (&known, get(&transaction, TEXTS, id).await?) {
            let keys = version_keys(&transaction, id).await?;
            let newest = keys.last().and_then(|key| version_time(key));
            if newest.is_none_or(|newest| known.at - newest >= VERSION_INTERVAL) && before != text {
                put(&transaction, VERSIONS, &version_key(id, known.at), &before)?;
                for key in keys.iter().rev().skip(MAX_VERSIONS - 1) {
                    store_of(&transaction, VERSIONS)?.delete(&JsValue::from_str(key)).map_err(problem)?;
                }
            }
        }
        let revision = known.as_ref().map_or(1, |known| known.revision + 1);
        let caption = caption.or(known.map(|known| known.caption)).unwrap_or_default();
        let info = DrawingInfo { id: id.into(), title: title.into(), caption, at: now, revision, deleted: None };
        put(&transaction, DRAWINGS, id, &to_text(&info))?;
        put(&transaction, TEXTS, id, text)?;
        completed(&transaction).await?;
        Ok(Some(info))
    }

    /// Saves a drawing that the page could no longer save. If the storage holds another content, the drawing is kept beside it,
    /// and opens next.
    async fn recover(&self, id: &str, scenario: &Scenario) -> Answer {
        if self.get(TEXTS, id).await?.is_some_and(|saved| saved == stored(scenario)) {
            return self.info(id).await.map(DrawingsAnswer::Saved);
        }
        let mut scenario = scenario.clone();
        scenario.title = RECOVERED.behind(&scenario.title);
        let info = self.add(id, &scenario.title, &stored(&scenario)).await?;
        storage::keep(KEPT_LAST, &info.id);
        Ok(DrawingsAnswer::Saved(info))
    }

    /// Saves a new drawing, under a numbered id if the storage has the id already.
    async fn add(&self, id: &str, title: &str, text: &str) -> Result<DrawingInfo, StorageProblem> {
        let mut number = 1;
        let mut free = id.to_string();
        loop {
            if let Some(info) = self.save(&free, None, (title, None), text).await? {
                return Ok(info);
            }
            number += 1;
            free = format!("{id}-{number}");
        }
    }

    async fn list(&self) -> Answer {
        let mut all = self.infos().await?;
        let now = js_sys::Date::now();
        let is_old = |info: &DrawingInfo| info.deleted.is_some_and(|at| now - at > DELETED_FOR);
        for info in all.iter().filter(|info| is_old(info)) {
            self.remove(&info.id).await?;
        }
        all.retain(|info| !is_old(info));
        all.sort_by(|a, b| b.at.total_cmp(&a.at));
        Ok(DrawingsAnswer::Listed(all))
    }

    async fn infos(&self) -> Result<Vec<DrawingInfo>, StorageProblem> {
        let transaction = self.transaction(IdbTransactionMode::Readonly)?;
        let store = store_of(&transaction, DRAWINGS)?;
        let texts = done(&store.get_all().map_err(problem)?).await.map_err(problem)?;
        let keys = done(&store.get_all_keys().map_err(problem)?).await.map_err(problem)?;
        let mut infos = Vec::new();
        for (key, text) in Array::from(&keys).iter().zip(Array::from(&texts).iter()) {
            match text.as_string().and_then(|text| serde_json::from_str(&text).ok()) {
                Some(info) => infos.push(info),
                None => infos.extend(self.rebuilt(&key.as_string().unwrap_or_default()).await),
            }
        }
        Ok(infos)
    }

    async fn remove(&self, id: &str) -> Result<(), StorageProblem> {
        let transaction = self.transaction(IdbTransactionMode::Readwrite)?;
        for key in version_keys(&transaction, id).await? {
            store_of(&transaction, VERSIONS)?.delete(&JsValue::from_str(&key)).map_err(problem)?;
        }
        for store in [DRAWINGS, TEXTS] {
            store_of(&transaction, store)?.delete(&JsValue::from_str(id)).map_err(problem)?;
        }
        completed(&transaction).await
    }

    async fn versions(&self, id: &str) -> Result<Vec<Version>, StorageProblem> {
        let transaction = self.transaction(IdbTransactionMode::Readonly)?;
        let keys = version_keys(&transaction, id).await?;
        Ok(keys.iter().rev().filter_map(|key| version_time(key)).map(|at| Version { at }).collect())
    }

    /// Writes all drawings into one document: a list of scenarios.
    async fn export(&self) -> Answer {
        let mut texts = Vec::new();
        for info in self.infos().await?.iter().filter(|info| info.deleted.is_none()) {
            texts.extend(self.get(TEXTS, &info.id).await?);
        }
        Ok(DrawingsAnswer::File("converge-drawings.json".into(), exported(&texts)))
    }

    /// Adds drawings in one transaction, so that all or none are kept.
    async fn import(&self, id: &str, drawings: &[Scenario]) -> Answer {
        let kept = self.infos().await?;
        let mut titles: BTreeSet<String> =
            kept.into_iter().filter(|info| info.deleted.is_none()).map(|info| info.title).collect();
        let transaction = self.transaction(IdbTransactionMode::Readwrite)?;
        for (number, drawing) in drawings.iter().enumerate() {
            let title = unique_title(&drawing.title, |title| titles.contains(title));
            titles.insert(title.clone());
            let id = format!("{id}-{number}");
            let info = DrawingInfo {
                id: id.as_str().into(),
                title,
                at: js_sys::Date::now(),
                revision: 1,
                ..DrawingInfo::default()
            };
            let text = Scenario { title: info.title.clone(), ..drawing.clone() }.to_json();
            put(&transaction, DRAWINGS, &id, &to_text(&info))?;
            put(&transaction, TEXTS, &id, &text)?;
        }
        completed(&transaction).await?;
        Ok(DrawingsAnswer::Imported(drawings.len()))
    }

    /// Moves the work that tabs have kept for the next visit, and the drawings of earlier versions of the page, into this storage.
    async fn import_kept_work(&self) {
        for name in KEPT_WORK.iter().rev() {
            let Some(text) = storage::kept(name) else { continue };
            if let Ok(info) = self.import_work("former", text).await {
                storage::forget(name);
                storage::keep(KEPT_LAST, &info.id);
            }
        }
    }

    /// Saves work that was kept elsewhere, unless the storage has it already.
    async fn import_work(&self, id: &str, text: String) -> Result<DrawingInfo, StorageProblem> {
        let mut infos = self.infos().await?;
        infos.retain(|info| info.deleted.is_none());
        for info in &infos {
            if self.get(TEXTS, &info.id).await?.as_ref() == Some(&text) {
                return Ok(info.clone());
            }
        }
        let Ok(mut scenario) = Scenario::from_json(&text) else { return self.add(id, "", &text).await };
        scenario.title = unique_title(&scenario.title, |title| infos.iter().any(|info| info.title == title));
        self.add(id, &scenario.title, &stored(&scenario)).await
    }
}

fn to_text(info: &DrawingInfo) -> String {
    serde_json::to_string(info).unwrap_or_default()
}

fn version_time(key: &str) -> Option<f64> {
    key.rsplit('/').next()?.parse().ok()
}

/// Returns the keys of a drawing's versions, the oldest first.
async fn version_keys(transaction: &IdbTransaction, id: &str) -> Result<Vec<String>, StorageProblem> {
    let (from, to) = (format!("{id}/"), format!("{id}0"));
    let range = IdbKeyRange::bound(&from.into(), &to.into()).map_err(problem)?;
    let keys = store_of(transaction, VERSIONS)?.get_all_keys_with_key(&range).map_err(problem)?;
    let keys = done(&keys).await.map_err(problem)?;
    Ok(Array::from(&keys).iter().filter_map(|key| key.as_string()).collect())
}

fn store_of(transaction: &IdbTransaction, name: &str) -> Result<IdbObjectStore, StorageProblem> {
    transaction.object_store(name).map_err(problem)
}

async fn get(transaction: &IdbTransaction, store: &str, key: &str) -> Result<Option<String>, StorageProblem> {
    let request = store_of(transaction, store)?.get(&JsValue::from_str(key)).map_err(problem)?;
    Ok(done(&request).await.map_err(problem)?.as_string())
}

fn put(transaction: &IdbTransaction, store: &str, key: &str, text: &str) -> Result<(), StorageProblem> {
    let store = store_of(transaction, store)?;
    store.put_with_key(&JsValue::from_str(text), &JsValue::from_str(key)).map_err(problem)?;
    Ok(())
}

/// Waits for a request and returns its result.
async fn done(request: &IdbRequest) -> Result<JsValue, JsValue> {
    let promise = Promise::new(&mut |resolve, reject| {
        let (succeeded, failed) = (request.clone(), request.clone());
        let on_success = Closure::once_into_js(move || {
            let _ = resolve.call1(&JsValue::NULL, &succeeded.result().unwrap_or(JsValue::NULL));
        });
        let on_error = Closure::once_into_js(move || {
            let error = failed.error().ok().flatten().map_or(JsValue::NULL, JsValue::from);
            let _ = reject.call1(&JsValue::NULL, &error);
        });
        request.set_onsuccess(Some(on_success.unchecked_ref()));
        request.set_onerror(Some(on_error.unchecked_ref()));
    });
    JsFuture::from(promise).await
}

/// Waits until a transaction is on the disk.
async fn completed(transaction: &IdbTransaction) -> Result<(), StorageProblem> {
    let promise = Promise::new(&mut |resolve, reject| {
        let aborted = transaction.clone();
        let on_abort = Closure::once_into_js(move || {
            let error = aborted.error().map_or(JsValue::NULL, JsValue::from);
            let _ = reject.call1(&JsValue::NULL, &error);
        });
        transaction.set_oncomplete(Some(&resolve));
        transaction.set_onabort(Some(on_abort.unchecked_ref()));
    });
    JsFuture::from(promise).await.map(drop).map_err(problem)
}

/// Returns the problem that an exception of the storage reports.
fn problem(error: JsValue) -> StorageProblem {
    let name = js_sys::Reflect::get(&error, &"name".into()).ok().and_then(|name| name.as_string()).unwrap_or_default();
    if name == "QuotaExceededError" { StorageProblem::Full } else { StorageProblem::Blocked }
}
