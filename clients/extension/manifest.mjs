// The manifest, from one source for both kinds of browser.

/** What they share. Each permission has its reason in README.md. */
const COMMON = {
  manifest_version: 3,
  name: "__MSG_name__",
  description: "__MSG_description__",
  default_locale: "en",
  icons: { 16: "icons/16.png", 48: "icons/48.png", 128: "icons/128.png" },
  action: { default_popup: "popup.html", default_icon: { 16: "icons/16.png", 48: "icons/48.png" } },
  options_ui: { page: "options.html", open_in_tab: true },
  permissions: ["storage", "scripting", "alarms", "activeTab"],
  optional_host_permissions: ["*://*/*"],
  content_security_policy: {
    extension_pages:
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self' ws: http:; " +
      "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  },
};

const BROWSERS = {
  chromium: {
    // light-dark() in style sheets; WebSockets that keep a worker awake are known since 116.
    minimum_chrome_version: "123",
    background: { service_worker: "background.js", type: "module" },
  },
  firefox: {
    background: { scripts: ["background.js"], type: "module" },
    // Optional host permissions are known since 128; on all devices what is collected is said since 142.
    browser_specific_settings: {
      gecko: { id: "extension@deskconn.org", strict_min_version: "142.0", data_collection_permissions: { required: ["none"] } },
    },
  },
};

export const TARGETS = Object.keys(BROWSERS);

export function manifest(target, version) {
  return { ...COMMON, version, ...BROWSERS[target] };
}
