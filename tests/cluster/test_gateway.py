"""Front doors: a Gateway gets a data plane and an address, and an Ingress is served too.
SPDX-License-Identifier: GPL-3.0-or-later
"""
import base64
import pathlib
import subprocess
from typing import Any

from bed.wait import until
from live.mesh import SYSTEM, Mesh
from live.shop import HOST, Shop


def gateway_status(shop: Shop, name: str = "shop", space: str = "shop") -> dict[str, Any]:
    return dict(shop.kubectl.json("-n", space, "get", "gateway", name).get("status", {}))


def is_true(status: dict[str, Any], kind: str) -> bool:
    return any(c["type"] == kind and c["status"] == "True" for c in status.get("conditions", []))


def test_it_is_programmed_and_counts_its_routes(shop: Shop) -> None:
    until("Programmed", lambda: is_true(gateway_status(shop), "Programmed"), 60, 0.2)
    until("one route", lambda: gateway_status(shop)["listeners"][0]["attachedRoutes"] == 1, 30, 0.1)
    assert is_true(gateway_status(shop), "Accepted")


def test_pages_from_outside(shop: Shop) -> None:
    door = f"http://{shop.door()}/"
    until("a page", lambda: shop.outside.call(door, headers={"Host": HOST}).status == 200)
    page = shop.outside.call(door, headers={"Host": HOST})
    assert page.json()["name"] == "frontend"
    assert "sa/shop-weft" in page.seen_header("x-forwarded-client-cert") or \
        "/ns/shop/sa/" in page.seen_header("x-forwarded-client-cert")
    assert shop.outside.call(door, headers={"Host": "other.example.com"}).status == 404


def test_https(shop: Shop, tmp_path: pathlib.Path) -> None:
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-keyout", tmp_path / "key", "-out",
                    tmp_path / "crt", "-subj", f"/CN={HOST}", "-addext",
                    f"subjectAltName=DNS:{HOST}", "-days", "2"], check=True, capture_output=True)
    data = {f"tls.{n}": base64.b64encode((tmp_path / n).read_bytes()).decode()
            for n in ("crt", "key")}
    shop.kubectl.apply([
        {"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls", "data": data,
         "metadata": {"name": "shop-tls", "namespace": "shop"}},
        {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway",
         "metadata": {"name": "shop", "namespace": "shop"},
         "spec": {"gatewayClassName": "weft", "listeners": [
             {"name": "http", "hostname": HOST, "port": 80, "protocol": "HTTP"},
             {"name": "https", "hostname": HOST, "port": 443, "protocol": "HTTPS",
              "tls": {"certificateRefs": [{"name": "shop-tls"}]}}]}}])
    door = shop.door()
    def page() -> bool:
        done = subprocess.run(
            ["nsenter", f"--net={shop.mesh.cluster.netns}", "curl", "-s", "--cacert",
             tmp_path / "crt", "--resolve", f"{HOST}:443:{door}", f"https://{HOST}/"],
            capture_output=True, text=True, timeout=30, check=False)
        return done.returncode == 0 and '"name":"frontend"' in done.stdout
    until("a page over HTTPS", page, 60, 0.2)


def test_an_ingress(shop: Shop) -> None:
    shop.kubectl.apply({
        "apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
        "metadata": {"name": "old", "namespace": "shop"},
        "spec": {"ingressClassName": "weft", "rules": [
            {"host": "old.example.com", "http": {"paths": [
                {"path": "/api", "pathType": "Prefix",
                 "backend": {"service": {"name": "ratings", "port": {"number": 9080}}}}]}}]}})
    try:
        def address() -> str:
            found = gateway_status(shop, "weft-ingress", SYSTEM).get("addresses") or [{}]
            return str(found[0].get("value", ""))
        door = until("an address", address, 60, 0.2)
        until("an answer", lambda: shop.outside.call(
            f"http://{door}/api/x", headers={"Host": "old.example.com"}).versions == {
                "ratings v1": 1}, 60, 0.2)
        assert shop.outside.call(f"http://{door}/", headers={"Host": "old.example.com"}).status == 404
    finally:
        shop.kubectl.run("-n", "shop", "delete", "ingress", "old")


def test_its_data_plane_goes_with_it(mesh: Mesh, scratch: str) -> None:
    mesh.kubectl.apply({"apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway",
                        "metadata": {"name": "brief", "namespace": scratch},
                        "spec": {"gatewayClassName": "weft", "listeners": [
                            {"name": "http", "port": 80, "protocol": "HTTP"}]}})
    def made() -> bool:
        return bool(mesh.kubectl.json("-n", scratch, "get", "deployments,services")["items"])
    until("a Deployment", made, 60, 0.1)
    mesh.kubectl.run("-n", scratch, "wait", "--for=condition=Programmed", "gateway/brief",
                     "--timeout=90s")
    mesh.kubectl.run("-n", scratch, "delete", "gateway", "brief")
    until("nothing", lambda: not made(), 60, 0.2)
