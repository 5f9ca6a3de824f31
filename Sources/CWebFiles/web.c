#include "CWebFiles.h"

#if !__has_embed("../../.third-party/uPlot.iife.js")
#error "the web libraries are missing: run .ci/setup (make does it by itself)"
#endif

static const unsigned char index_html[] = {
#embed "../../web/index.html"
};
static const unsigned char favicon_svg[] = {
#embed "../../web/favicon.svg"
};
static const unsigned char style_css[] = {
#embed "../../web/style.css"
};
static const unsigned char app_js[] = {
#embed "../../web/app.js"
};
static const unsigned char api_js[] = {
#embed "../../web/api.js"
};
static const unsigned char alerts_js[] = {
#embed "../../web/alerts.js"
};
static const unsigned char dom_js[] = {
#embed "../../web/dom.js"
};
static const unsigned char editor_js[] = {
#embed "../../web/editor.js"
};
static const unsigned char format_js[] = {
#embed "../../web/format.js"
};
static const unsigned char graph_js[] = {
#embed "../../web/graph.js"
};
static const unsigned char language_js[] = {
#embed "../../web/language.js"
};
static const unsigned char page_js[] = {
#embed "../../web/page.js"
};
static const unsigned char plan_js[] = {
#embed "../../web/plan.js"
};
static const unsigned char query_js[] = {
#embed "../../web/query.js"
};
static const unsigned char rules_js[] = {
#embed "../../web/rules.js"
};
static const unsigned char state_js[] = {
#embed "../../web/state.js"
};
static const unsigned char status_js[] = {
#embed "../../web/status.js"
};
static const unsigned char table_js[] = {
#embed "../../web/table.js"
};
static const unsigned char targets_js[] = {
#embed "../../web/targets.js"
};
static const unsigned char third_uPlot_iife_js[] = {
#embed "../../.third-party/uPlot.iife.js"
};
static const unsigned char third_uPlot_min_css[] = {
#embed "../../.third-party/uPlot.min.css"
};
static const unsigned char third_codemirror_js[] = {
#embed "../../.third-party/codemirror.js"
};
static const unsigned char third_codemirror_css[] = {
#embed "../../.third-party/codemirror.css"
};
static const unsigned char third_show_hint_js[] = {
#embed "../../.third-party/show-hint.js"
};
static const unsigned char third_show_hint_css[] = {
#embed "../../.third-party/show-hint.css"
};
static const unsigned char third_matchbrackets_js[] = {
#embed "../../.third-party/matchbrackets.js"
};
static const unsigned char third_closebrackets_js[] = {
#embed "../../.third-party/closebrackets.js"
};
static const unsigned char third_placeholder_js[] = {
#embed "../../.third-party/placeholder.js"
};
static const unsigned char third_simple_js[] = {
#embed "../../.third-party/simple.js"
};

static const char html[] = "text/html; charset=utf-8";
static const char css[] = "text/css; charset=utf-8";
static const char script[] = "text/javascript; charset=utf-8";
static const char image[] = "image/svg+xml";

static const cweb_file files[] = {
    {"/index.html", html, index_html, sizeof index_html},
    {"/favicon.svg", image, favicon_svg, sizeof favicon_svg},
    {"/style.css", css, style_css, sizeof style_css},
    {"/app.js", script, app_js, sizeof app_js},
    {"/api.js", script, api_js, sizeof api_js},
    {"/alerts.js", script, alerts_js, sizeof alerts_js},
    {"/dom.js", script, dom_js, sizeof dom_js},
    {"/editor.js", script, editor_js, sizeof editor_js},
    {"/format.js", script, format_js, sizeof format_js},
    {"/graph.js", script, graph_js, sizeof graph_js},
    {"/language.js", script, language_js, sizeof language_js},
    {"/page.js", script, page_js, sizeof page_js},
    {"/plan.js", script, plan_js, sizeof plan_js},
    {"/query.js", script, query_js, sizeof query_js},
    {"/rules.js", script, rules_js, sizeof rules_js},
    {"/state.js", script, state_js, sizeof state_js},
    {"/status.js", script, status_js, sizeof status_js},
    {"/table.js", script, table_js, sizeof table_js},
    {"/targets.js", script, targets_js, sizeof targets_js},
    {"/third-party/uPlot.iife.js", script, third_uPlot_iife_js, sizeof third_uPlot_iife_js},
    {"/third-party/uPlot.min.css", css, third_uPlot_min_css, sizeof third_uPlot_min_css},
    {"/third-party/codemirror.js", script, third_codemirror_js, sizeof third_codemirror_js},
    {"/third-party/codemirror.css", css, third_codemirror_css, sizeof third_codemirror_css},
    {"/third-party/show-hint.js", script, third_show_hint_js, sizeof third_show_hint_js},
    {"/third-party/show-hint.css", css, third_show_hint_css, sizeof third_show_hint_css},
    {"/third-party/matchbrackets.js", script, third_matchbrackets_js, sizeof third_matchbrackets_js},
    {"/third-party/closebrackets.js", script, third_closebrackets_js, sizeof third_closebrackets_js},
    {"/third-party/placeholder.js", script, third_placeholder_js, sizeof third_placeholder_js},
    {"/third-party/simple.js", script, third_simple_js, sizeof third_simple_js},
};

const size_t cweb_file_count = sizeof files / sizeof files[0];

const cweb_file *cweb_file_table(void) { return files; }
