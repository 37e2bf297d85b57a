package io.headroom.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ReplayCommandTest {
    @TempDir
    private Path directory;

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    @Test
    void printsTheTable() throws URISyntaxException {
        assertThat(run("replay", sample("oom-2.7-p4"))).isZero();
        assertThat(out.toString())
                .contains("expandable_segments:True")
                .contains("as it was")
                .contains("dies")
                .contains("survives")
                .contains("Why: the largest hole has")
                .contains("What to do: PYTORCH_CUDA_ALLOC_CONF=expandable_segments:True");
    }

    @Test
    void printsJson() throws URISyntaxException, IOException {
        String[] args = {
            "replay",
            sample("oom-2.7-p4"),
            "--conf",
            "expandable_segments:True",
            "--conf",
            "max_split_size_mb:64",
            "--limit",
            "170 MiB",
            "--json"
        };
        assertThat(run(args)).isZero();
        JsonNode answer = new ObjectMapper().readTree(out.toString());
        assertThat(answer.get("limit_bytes").longValue()).isEqualTo(170L << 20);
        assertThat(answer.get("died").booleanValue()).isTrue();
        assertThat(answer.get("reproduced").booleanValue()).isTrue();
        assertThat(answer.get("fidelity").get("exact").booleanValue()).isTrue();
        assertThat(answer.get("rows")).hasSize(5);
        assertThat(answer.get("rows").get(0).get("survives").booleanValue()).isTrue();
    }

    @Test
    void wrongUsageIsTwo() throws URISyntaxException {
        assertThat(run("replay")).isEqualTo(2);
        assertThat(run("replay", directory.resolve("none.pickle").toString())).isEqualTo(2);
        assertThat(err.toString()).contains("there is no such file");
        assertThat(run("replay", sample("plain-2.7-p4"), "--conf", "expandable:True"))
                .isEqualTo(2);
        assertThat(err.toString()).contains("Unrecognized CachingAllocator option: expandable");
        assertThat(run("replay", sample("plain-2.7-p4"), "--limit", "lots")).isEqualTo(2);
        assertThat(run("replay", sample("plain-2.7-p4"), "--device", "7")).isEqualTo(2);
        assertThat(err.toString()).contains("device 7 is not in the snapshot").doesNotContain("\tat ");
    }

    @Test
    void anythingElseIsThree() throws IOException {
        Path file = Files.writeString(directory.resolve("a.json"), "{}");
        assertThat(run("replay", file.toString())).isEqualTo(3);
        assertThat(err.toString()).contains("a.json is no memory snapshot").contains("JSON");
    }

    @Test
    void aCapIsSaidAndTheSettingsTheRunHadAreTaken() throws URISyntaxException {
        assertThat(run("replay", sample("capped-2.7-p4"))).isZero();
        assertThat(out.toString())
                .contains("It was not the card that refused")
                .contains("a cap on the process")
                .contains("Replay against recording:");
        String[] args = {
            "replay", sample("capped-2.7-p4"), "--recorded", "per_process_memory_fraction:0.425", "--total", "400 MiB"
        };
        assertThat(run(args)).isZero();
        assertThat(out.toString()).contains("as it was (per_process_memory_fraction:0.425)");
        assertThat(run("replay", sample("capped-2.7-p4"), "--recorded", "fraction:1"))
                .isEqualTo(2);
        assertThat(err.toString()).contains("Unrecognized CachingAllocator option: fraction");
    }

    @Test
    void aTraceAsTextIsReplayedToo() throws IOException {
        Path file = Files.writeString(
                directory.resolve("run.txt"), "# two steps\nalloc a 60 MiB\nfree a\nalloc b 10 MiB\nalloc c 60 MiB\n");
        assertThat(run("replay", file.toString(), "--limit", "100 MiB")).isZero();
        assertThat(out.toString())
                .contains("The same 3 allocations")
                .contains("dies")
                .doesNotContain("recording:");
        assertThat(run("replay", file.toString(), "--device", "1")).isEqualTo(2);
        assertThat(err.toString()).contains("is a trace as text");
        Path wrong = Files.writeString(directory.resolve("wrong.txt"), "alloc a 60 MiB\nfree b\n");
        assertThat(run("replay", wrong.toString())).isEqualTo(2);
        assertThat(err.toString()).contains("wrong.txt, line 2").doesNotContain("\tat ");
    }

    private int run(String... args) {
        return Main.commandLine()
                .setOut(new PrintWriter(out, true))
                .setErr(new PrintWriter(err, true))
                .execute(args);
    }

    private static String sample(String name) throws URISyntaxException {
        return Path.of(ReplayCommandTest.class
                        .getResource("/snapshots/" + name + ".pickle")
                        .toURI())
                .toString();
    }

    /** Nothing fits a card smaller than one segment, least of all a context. */
    @Test
    void aTotalBelowOneSegmentIsRefused() throws URISyntaxException {
        assertThat(run("replay", sample("capped-2.7-p4"), "--total", "1KiB")).isEqualTo(2);
        assertThat(err.toString()).contains("total 1024 bytes", "2.00 MiB", "such as \"24 GiB\"");
    }
}
