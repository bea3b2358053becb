"use strict";
/* Shows the node and its neighbours; asks for a token where one is needed. The token stays in this tab. */
const $ = (id) => document.getElementById(id);
const bytes = (n) => n < 10000 ? `${n} B` : n < 1e7 ? `${(n / 1e3).toFixed(0)} kB` : `${(n / 1e6).toFixed(1)} MB`;

async function get(path) {
    const token = sessionStorage.getItem("token");
    const answer = await fetch(path, { headers: token ? { Authorization: `Bearer ${token}` } : {} });
    const body = await answer.json();
    if (!answer.ok) {
        $("login").hidden = answer.status !== 401 && answer.status !== 403;
        throw new Error([body.detail, body.hint].filter(Boolean).join("; "));
    }
    return body;
}

function row(cells, tag) {
    const line = document.createElement("tr");
    for (const text of cells) {
        line.appendChild(document.createElement(tag)).textContent = text;
    }
    return line;
}

function showNode(node) {
    const rows = [["Address", node.address], ["Public key", node.public_key], ["Version", node.version],
        ["Running for", `${Math.floor(node.uptime_ms / 60000)} min`], ["Sessions", node.sessions], ["Known nodes", node.nodes]];
    $("node").replaceChildren(...rows.flatMap(([name, value]) => {
        const dt = document.createElement("dt");
        const dd = document.createElement("dd");
        dt.textContent = name;
        dd.textContent = value;
        return [dt, dd];
    }));
}

function showPeers(list) {
    $("peers").replaceChildren(...list.items.map((p) => row([p.name || p.login || "", p.address, p.reason || p.state,
        bytes(p.rx_bytes), bytes(p.tx_bytes), p.rtt_ms === null ? "" : `${p.rtt_ms.toFixed(1)} ms`], "td")));
}

async function show() {
    try {
        showNode(await get("/v1/node"));
        showPeers(await get("/v1/peers?limit=1000"));
        $("problem").textContent = "";
        $("login").hidden = true;
    } catch (error) {
        $("problem").textContent = error.message;
    }
}

$("login").addEventListener("submit", (event) => {
    event.preventDefault();
    sessionStorage.setItem("token", $("token").value.trim());
    show();
});
show();
setInterval(show, 5000);
