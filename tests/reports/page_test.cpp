// The page as a browser draws it, and its script as the compiler of TypeScript sees it.

#include <gmock/gmock.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "reports/reports.h"
#include "tests/reports/sample.h"

namespace gatelab::reports {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

bool is_there(const std::string& program) {
    return std::system(("command -v " + program + " >/dev/null 2>&1").c_str()) == 0;
}

std::string output_of(const std::string& command) {
    std::string text;
    std::FILE* pipe = ::popen(command.c_str(), "r");
    if (!pipe) return text;
    char buffer[65536];
    for (std::size_t got; (got = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;) text.append(buffer, got);
    ::pclose(pipe);
    return text;
}

TEST(PageScript, HoldsToItsTypes) {
    if (!is_there("tsc")) GTEST_SKIP() << "tsc is not installed (package node-typescript)";
    EXPECT_EQ(output_of("tsc --noEmit -p " GATELAB_SOURCE_DIR "/reports/page 2>&1"), "");
}

class Page : public testing::Test {
protected:
    void SetUp() override {
        if (!is_there("chromium")) GTEST_SKIP() << "chromium is not installed";
        folder = fs::temp_directory_path() / ("gatelab-page-" + std::to_string(::getpid()));
        fs::create_directories(folder);
        write_sample_evidence(folder);
        ASSERT_TRUE(write_all(sample_report(), folder));
    }
    void TearDown() override {
        if (!folder.empty()) fs::remove_all(folder);
    }
    // The document after its script ran, at that fragment.
    std::string dom(const std::string& fragment = "") {
        const auto command =
            "timeout 90 chromium --headless --no-sandbox --disable-gpu --disable-quic --no-first-run "
            "--disable-background-networking --disable-component-update --disable-sync --user-data-dir='" +
            (folder / "browser").string() + "' --dump-dom 'file://" + (folder / "report.html").string() + fragment +
            "' 2>/dev/null";
        return output_of(command);
    }
    fs::path folder;
};

// Without printing a whole page when it does not.
testing::AssertionResult has(const std::string& text, const std::string& what) {
    if (text.find(what) != std::string::npos) return testing::AssertionSuccess();
    return testing::AssertionFailure() << "the page does not have: " << what;
}

std::size_t count(const std::string& text, const std::string& what) {
    std::size_t found = 0;
    for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += what.size()) ++found;
    return found;
}

TEST_F(Page, DrawsSummaryMatrixGridAndCases) {
    const auto text = dom();
    ASSERT_TRUE(has(text, "data-ready=\"true\""));
    EXPECT_TRUE(has(text, "1 case failed"));
    EXPECT_TRUE(has(text, "data-suite=\"p2s-ike-policy\" data-pair=\"gatelab/strongswan\""));
    EXPECT_TRUE(has(text, "<b>187 of 187</b> cells passed"));
    EXPECT_EQ(count(text, "class=\"case\""), sample_report().cases.size());
    EXPECT_TRUE(has(text, "<aside class=\"drawer\" hidden"));
}

TEST_F(Page, OpensACaseWithItsLadderAndEvidence) {
    const auto text = dom("#case=ikev2-basic.recovers-from-lost-ike-auth-request%40gatelab%2Fgatelab");
    EXPECT_FALSE(has(text, "<aside class=\"drawer\" hidden"));
    EXPECT_TRUE(has(text, "Messages between alice, gateway"));
    EXPECT_TRUE(has(text, "IKE_AUTH request 1, lost"));
    EXPECT_TRUE(has(text, "IKE_AUTH request 1, again"));
    EXPECT_TRUE(has(text, "IKE_SA_INIT response 0"));
    EXPECT_TRUE(has(text, "state-changed"));
    EXPECT_TRUE(has(text, "RFC 7296, 2.1"));  // the requirement's source
    EXPECT_TRUE(has(text, "tshark -r cases/ikev2-basic.recovers-from-lost-ike-auth-request/gatelab-gatelab/pcap/"));
    EXPECT_TRUE(
        has(text, "href=\"cases/ikev2-basic.recovers-from-lost-ike-auth-request/gatelab-gatelab/events.ndjson\""));
}

TEST_F(Page, ShowsOnlyWhatTheAddressAsksFor) {
    const auto text = dom("#verdict=failed&q=replay");
    std::size_t hidden = 0;
    for (std::size_t at = 0; (at = text.find("class=\"case\"", at)) != std::string::npos; ++at)
        hidden += text.substr(at, text.find('>', at) - at).find("hidden") != std::string::npos ? 1 : 0;
    EXPECT_EQ(hidden, 378u);
    EXPECT_TRUE(has(text, "1 of 379 cases"));
}

TEST_F(Page, TakesTextsForTextAndAsksNobodyForAnything) {
    const auto text = dom("#case=esp-basic.drops-replayed%40gatelab%2Fgatelab");
    EXPECT_TRUE(has(text, "&lt;script&gt;alert(1)&lt;/script&gt;"));
    const auto page = to_html(sample_report(), folder);
    for (const auto* request : {"src=\"http", "href=\"http", "url(http", "@import", "fetch("})
        EXPECT_FALSE(has(page, request));
    EXPECT_TRUE(has(page, "default-src 'none'"));
}

TEST_F(Page, PlotsAndTabulatesGoodput) {
    EXPECT_FALSE(has(dom(), "aria-label=\"Goodput\"")) << "nobody measured any";
    ASSERT_TRUE(write_all(goodput_report(), folder));
    const auto text = dom();
    ASSERT_TRUE(has(text, "data-ready=\"true\""));
    EXPECT_TRUE(has(text, "Goodput in Mbit/s at a round trip of 10 ms, by packets lost"));
    EXPECT_EQ(count(text, "<g class=\"series "), 3u + 3u) << "three lines, and as many in the legend";
    EXPECT_TRUE(has(text, "<title>OpenVPN over UDP, openvpn-realtime: 22.3 Mbit/s</title>"));
    EXPECT_TRUE(has(text, ">91.3</a><small>50 %</small>"));
    EXPECT_TRUE(has(text, "<td class=\"ratio\">2.00</td>"));
}

TEST_F(Page, TabulatesWhatEachClientEndsOn) {
    EXPECT_FALSE(has(dom(), "aria-label=\"Fallback\"")) << "nobody tried";
    ASSERT_TRUE(write_all(fallback_report(), folder));
    const auto text = dom();
    ASSERT_TRUE(has(text, "data-ready=\"true\""));
    EXPECT_TRUE(has(text, "<b>SSTP</b><span> 31 s</span>"));
    EXPECT_TRUE(has(text, "<b>✕ none</b><span> 166 s</span><small>peer-silent</small>"));
    EXPECT_TRUE(has(text, "<td class=\"mute\">"));
    EXPECT_TRUE(has(text, "OpenVPN: no tunnel in common with the gateway."));
}

TEST_F(Page, GivesTheMatrixTheWholeWidthWherePairsAreMany) {
    EXPECT_TRUE(has(dom(), "<div class=\"overview\">"));
    auto report = sample_report();
    for (const auto* gateway : {"openvpn", "openvpn-realtime", "softether"}) {
        report.cases.push_back(report.cases.front());
        report.cases.back().gateway = gateway;
    }
    ASSERT_TRUE(write_all(report, folder));
    EXPECT_TRUE(has(dom(), "<div class=\"overview wide\">"));
}

}  // namespace
}  // namespace gatelab::reports
