#include "sim/run_directory.h"

#include <gmock/gmock.h>

#include "tests/sim/scenario/full_disk.h"
#include "tests/sim/scenario/scratch.h"

namespace gatelab::sim {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;

const Event kEvent{std::chrono::seconds(1), "alice", "ikev2", "message-sent", {{"exchange", std::string("IKE_AUTH")}}};

TEST(RunDirectory, HoldsEverythingOnceFinished) {
    const Scratch scratch;
    auto directory = RunDirectory::create(scratch / "a" / "b");
    ASSERT_TRUE(directory) << directory.error().detail;
    (*directory)->write(kEvent);
    (*directory)->write_flows("[]\n");
    (*directory)->write_keys({}, {});
    EXPECT_FALSE(fs::exists((*directory)->path() / "run.json")) << "whole only at the end";
    ASSERT_TRUE((*directory)->finish("{}\n"));
    EXPECT_EQ(contents_of(scratch / "a/b/run.json"), "{}\n");
    EXPECT_EQ(contents_of(scratch / "a/b/events.ndjson"), to_json_line(kEvent) + "\n");
    EXPECT_EQ(contents_of(scratch / "a/b/flows.json"), "[]\n");
    EXPECT_TRUE(fs::exists(scratch / "a/b/keys/esp_sa"));
    EXPECT_FALSE(fs::exists(scratch / "a/b/.run.json"));
}

TEST(RunDirectory, ReplacesAnEarlierRun) {
    const Scratch scratch;
    fs::create_directory(scratch / "pcap");
    write_text(scratch / "pcap/old.pcap", "old");
    write_text(scratch / "run.json", "old");
    ASSERT_TRUE(RunDirectory::create(scratch.path()));
    EXPECT_FALSE(fs::exists(scratch / "run.json"));
    EXPECT_FALSE(fs::exists(scratch / "pcap/old.pcap"));
}

TEST(RunDirectory, LeavesForeignFilesAlone) {
    const Scratch scratch;
    write_text(scratch / "thesis.tex", "years of work");
    write_text(scratch / "run.json", "old");
    const auto directory = RunDirectory::create(scratch.path());
    ASSERT_FALSE(directory);
    EXPECT_EQ(directory.error().fault, Fault::Refused);
    EXPECT_THAT(directory.error().detail, HasSubstr("thesis.tex"));
    EXPECT_TRUE(fs::exists(scratch / "thesis.tex"));
    EXPECT_TRUE(fs::exists(scratch / "run.json"));
}

TEST(RunDirectory, SaysWhichFolderItCannotMake) {
    const Scratch scratch;
    write_text(scratch / "file", "");
    const auto directory = RunDirectory::create(scratch / "file" / "run");
    ASSERT_FALSE(directory);
    EXPECT_EQ(directory.error().fault, Fault::Io);
    EXPECT_THAT(directory.error().detail, AllOf(HasSubstr("file/run"), HasSubstr("Not a directory")));
}

TEST(RunDirectory, NamesTheEventLogWhenTheDiskIsFull) {
    const Scratch scratch;
    auto directory = RunDirectory::create(scratch / "run");
    ASSERT_TRUE(directory);
    const FullDisk full{100};
    for (int i = 0; i < 3; ++i) (*directory)->write(kEvent);
    (*directory)->write_flows("[]");
    const auto outcome = (*directory)->finish("{}");
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().fault, Fault::Io);
    EXPECT_THAT(outcome.error().detail, AllOf(HasSubstr("run/events.ndjson"), HasSubstr("free some space")));
    EXPECT_FALSE(fs::exists(scratch / "run/run.json"));
    EXPECT_FALSE(fs::exists(scratch / "run/.run.json"));
}

TEST(RunDirectory, NamesRunJsonWhenOnlyThatDoesNotFit) {
    const Scratch scratch;
    auto directory = RunDirectory::create(scratch / "run");
    ASSERT_TRUE(directory);
    const FullDisk full{100};
    (*directory)->write_flows("[]");
    const auto outcome = (*directory)->finish(std::string(101, ' '));
    ASSERT_FALSE(outcome);
    EXPECT_THAT(outcome.error().detail, HasSubstr("run.json"));
    EXPECT_FALSE(fs::exists(scratch / "run/run.json"));
    EXPECT_FALSE(fs::exists(scratch / "run/.run.json"));
}

TEST(RunDirectory, ReportsTheFailureOfOthersFirstComeFirst) {
    const Scratch scratch;
    auto directory = RunDirectory::create(scratch / "run");
    ASSERT_TRUE(directory);
    (*directory)->note_failure({Fault::Io, "cannot write 'a.pcap'"});
    (*directory)->note_failure({Fault::Io, "cannot write 'b.pcap'"});
    EXPECT_EQ((*directory)->finish("{}").error().detail, "cannot write 'a.pcap'");
    EXPECT_FALSE(fs::exists(scratch / "run/run.json"));
}

}  // namespace
}  // namespace gatelab::sim
