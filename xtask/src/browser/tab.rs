//! One page in the browser, in one width and one mode of colours.

use std::fmt;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use serde_json::{Value, json};

use super::chromium::Chromium;
use crate::error::{Error, Result};

/// Pictures are cut here: a page of 300 tables would make one that nobody looks at.
const PICTURE_HEIGHT_MAX: f64 = 9000.0;

/// How a page is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct View {
    width: u32,
    dark: bool,
}

#[derive(Debug)]
pub(super) struct Tab<'c> {
    chromium: &'c mut Chromium,
    session: String,
    id: String,
    address: String,
    view: View,
}

impl View {
    pub(super) const ALL: [View; 4] = [
        View {
            width: 1440,
            dark: false,
        },
        View {
            width: 1440,
            dark: true,
        },
        View {
            width: 360,
            dark: false,
        },
        View {
            width: 360,
            dark: true,
        },
    ];
}

impl fmt::Display for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.width, if self.dark { "dark" } else { "light" })
    }
}

impl<'c> Tab<'c> {
    /// Opens a file and waits until it is loaded.
    pub(super) fn open(chromium: &'c mut Chromium, page: &Path, view: View) -> Result<Self> {
        let made = chromium.call(None, "Target.createTarget", &json!({ "url": "about:blank" }))?;
        let id = text(&made["targetId"]);
        let attached = chromium.call(
            None,
            "Target.attachToTarget",
            &json!({ "targetId": id, "flatten": true }),
        )?;
        let session = text(&attached["sessionId"]);
        let address = format!("file://{}", page.display());
        let mut tab = Tab {
            chromium,
            session,
            id,
            address,
            view,
        };
        for domain in ["Page", "Runtime", "Log", "Network"] {
            tab.call(&format!("{domain}.enable"), &json!({}))?;
        }
        let narrow = view.width < 600;
        tab.call(
            "Emulation.setDeviceMetricsOverride",
            &json!({ "width": view.width, "height": 900, "deviceScaleFactor": 1, "mobile": narrow }),
        )?;
        let scheme = if view.dark { "dark" } else { "light" };
        let features = json!([
            { "name": "prefers-color-scheme", "value": scheme },
            { "name": "prefers-reduced-motion", "value": "reduce" },
        ]);
        tab.call("Emulation.setEmulatedMedia", &json!({ "features": features }))?;
        let address = tab.address.clone();
        tab.call("Page.navigate", &json!({ "url": address }))?;
        let session = tab.session.clone();
        tab.chromium.wait_for(&session, "Page.loadEventFired")?;
        Ok(tab)
    }

    pub(super) fn call(&mut self, method: &str, parameters: &Value) -> Result<Value> {
        self.chromium.call(Some(&self.session), method, parameters)
    }

    /// The value of a script, awaited where it is a promise.
    pub(super) fn evaluate(&mut self, script: &str) -> Result<Value> {
        let answer = self.call(
            "Runtime.evaluate",
            &json!({ "expression": script, "awaitPromise": true, "returnByValue": true }),
        )?;
        if answer["exceptionDetails"].is_null() {
            Ok(answer["result"]["value"].clone())
        } else {
            let said = &answer["exceptionDetails"]["exception"]["description"];
            Err(Error::Differs(format!("a script in the page failed: {said}")))
        }
    }

    /// Presses and releases a key by its name, with the text that it writes.
    pub(super) fn press(&mut self, key: &str, code: u32, text: Option<&str>) -> Result<()> {
        let mut event = json!({ "type": "keyDown", "key": key, "code": key, "windowsVirtualKeyCode": code });
        if let Some(text) = text {
            event["text"] = json!(text);
        }
        self.call("Input.dispatchKeyEvent", &event)?;
        event["type"] = json!("keyUp");
        self.call("Input.dispatchKeyEvent", &event).map(drop)
    }

    /// Errors of the console and everything that was fetched beside the page itself.
    pub(super) fn complaints(&self) -> Vec<String> {
        let events = self.chromium.events(&self.session);
        events
            .filter_map(|it| self.complaint(&text(&it["method"]), &it["params"]))
            .collect()
    }

    fn complaint(&self, method: &str, event: &Value) -> Option<String> {
        match method {
            "Runtime.exceptionThrown" => Some(format!(
                "an error was thrown: {}",
                event["exceptionDetails"]["exception"]["description"]
            )),
            "Runtime.consoleAPICalled" if event["type"] == "error" => {
                Some(format!("the console has an error: {}", event["args"]))
            }
            "Log.entryAdded" if event["entry"]["level"] == "error" => {
                Some(format!("the browser logs: {}", event["entry"]["text"]))
            }
            "Network.requestWillBeSent" => {
                let address = text(&event["request"]["url"]);
                (address != self.address).then(|| format!("the page fetches {address}"))
            }
            _ => None,
        }
    }

    /// Writes a picture of the whole page.
    pub(super) fn picture(&mut self, path: &Path) -> Result<()> {
        self.evaluate("scrollTo(0, 0)")?;
        let size = self.call("Page.getLayoutMetrics", &json!({}))?;
        let height = size["cssContentSize"]["height"]
            .as_f64()
            .unwrap_or(900.0)
            .min(PICTURE_HEIGHT_MAX);
        let clip = json!({ "x": 0, "y": 0, "width": self.view.width, "height": height, "scale": 1 });
        let shot = self.call(
            "Page.captureScreenshot",
            &json!({ "format": "png", "captureBeyondViewport": true, "clip": clip }),
        )?;
        let bytes = STANDARD
            .decode(text(&shot["data"]))
            .map_err(|error| Error::Differs(format!("a picture is damaged: {error}")))?;
        std::fs::write(path, bytes).map_err(Error::file(path))
    }

    pub(super) fn close(self) -> Result<()> {
        let parameters = json!({ "targetId": self.id });
        self.chromium
            .call(None, "Target.closeTarget", &parameters)
            .map(drop)
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
