// The one script of this site, on two pages: it asks the browser for a passkey and puts the answer into the page's form.
"use strict";
(() => {
  const form = document.querySelector("form[data-passkey]");
  const said = document.getElementById("passkey-said");
  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  const text = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const named = (list) => (list || []).map((each) => ({ ...each, id: bytes(each.id) }));

  const ask = (options) =>
    form.dataset.passkey === "create"
      ? navigator.credentials.create({
          publicKey: {
            ...options,
            challenge: bytes(options.challenge),
            user: { ...options.user, id: bytes(options.user.id) },
            excludeCredentials: named(options.excludeCredentials),
          },
        })
      : navigator.credentials.get({
          publicKey: {
            ...options,
            challenge: bytes(options.challenge),
            allowCredentials: named(options.allowCredentials),
          },
        });

  const written = (credential) => {
    const told = credential.response;
    const response = { clientDataJSON: text(told.clientDataJSON) };
    if (told.attestationObject) {
      response.attestationObject = text(told.attestationObject);
      response.transports = told.getTransports ? told.getTransports() : [];
    } else {
      response.authenticatorData = text(told.authenticatorData);
      response.signature = text(told.signature);
      response.userHandle = told.userHandle ? text(told.userHandle) : null;
    }
    return JSON.stringify({ id: credential.id, rawId: text(credential.rawId), type: credential.type, response });
  };

  const reasons = {
    NotAllowedError: "Nothing was chosen, or it took too long. Try again with the button.",
    InvalidStateError: "This device holds a passkey for you here already.",
    SecurityError: "This browser does not use passkeys at this address.",
  };
  let asking = false;
  const begin = async () => {
    if (asking) return;
    asking = true;
    said.textContent = "Follow your browser …";
    try {
      form.elements.answer.value = written(await ask(JSON.parse(form.dataset.options)));
      form.submit();
    } catch (problem) {
      said.textContent = reasons[problem.name] || "That did not work: " + problem.name + ".";
      asking = false;
    }
  };

  if (!window.PublicKeyCredential || !navigator.credentials) {
    said.textContent = "This browser has no passkeys here. They need https, or the name localhost.";
    return;
  }
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    begin();
  });
  form.querySelector("button").disabled = false;
  if (form.dataset.passkey === "get") begin();
})();
