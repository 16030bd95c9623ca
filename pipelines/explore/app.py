"""The pages over HTTP: server-rendered, everything in the address, no state, nothing fetched from elsewhere."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from components.reporting.html_page import environment
from model.errors import InputError
from pipelines.explore import views
from pipelines.explore.load_world import World
from pipelines.explore.query_string import MAX_WORDS, Ask, read_ask

HERE = Path(__file__).parent
HOSTS = ["127.0.0.1", "localhost"]
"""Names of this server: a request under any other comes from a page elsewhere."""
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def make_app(world: World) -> Starlette:
    """The application on an opened world."""
    templates = environment(HERE / "templates")
    templates.filters.update(views.FILTERS)
    about = {
        "roles": [(role.name, role.model.version, role.model.kind) for role in world.lists.roles],
        "cut_s": world.cut_s,
    }

    def page(request: Request, name: str, code: int = 200, **context: Any) -> HTMLResponse:
        return HTMLResponse(templates.get_template(name).render(about | {"path": request.url.path} | context), code)

    def asked(request: Request) -> Ask:
        return read_ask(request.query_params, world.shoppers, world.cut_s)

    def text(request: Request, name: str) -> str:
        return request.query_params.get(name, "")[:MAX_WORDS]

    def start(request: Request) -> Response:
        return page(request, "start.html", **views.start(world, text(request, "begins").strip()))

    def shopper(request: Request) -> Response:
        return page(request, "shopper.html", **views.shopper(world, asked(request), text(request, "q")))

    def item(request: Request) -> Response:
        return page(request, "item.html", **views.item(world, asked(request), request.query_params.get("item", "")))

    def products(request: Request) -> Response:
        return page(request, "products.html", **views.products(world, text(request, "q")))

    def rollout(request: Request) -> Response:
        name = "rollout_now.html" if "now" in request.query_params else "rollout.html"
        return page(request, name, **views.rollout(world.run))

    def card(request: Request) -> Response:
        wanted = request.query_params.get("of", "")
        role = next((role for role in world.lists.roles if role.name == wanted), None)
        if role is None:
            raise HTTPException(404)
        return page(request, "card.html", role=role)

    def refused(request: Request, error: Exception) -> Response:
        return page(request, "error.html", 400, message=str(error))

    def missing(request: Request, error: Exception) -> Response:
        code = error.status_code if isinstance(error, HTTPException) else 404
        return page(request, "error.html", code, message="There is no such page.")

    return Starlette(
        routes=[
            Route("/", start),
            Route("/shopper", shopper),
            Route("/item", item),
            Route("/products", products),
            Route("/rollout", rollout),
            Route("/card", card),
            Mount("/static", StaticFiles(directory=HERE / "static")),
        ],
        middleware=[
            Middleware(TrustedHostMiddleware, allowed_hosts=HOSTS),
            Middleware(BaseHTTPMiddleware, dispatch=_guarded),
        ],
        exception_handlers={InputError: refused, HTTPException: missing},
    )


async def _guarded(request: Request, answer: Callable[[Request], Awaitable[Response]]) -> Response:
    response = await answer(request)
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response
