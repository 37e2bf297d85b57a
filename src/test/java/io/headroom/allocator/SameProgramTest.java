package io.headroom.allocator;

import static org.assertj.core.api.Assertions.assertThat;

import io.headroom.trace.Snapshot;
import io.headroom.units.Bytes;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.assertj.core.api.SoftAssertions;
import org.junit.jupiter.api.Test;

/**
 * One recorded run answers for the same program under other settings and limits: what it says of them is what becomes of
 * them in the second allocator, which ran the program again under each.
 */
class SameProgramTest {
    private static final Pattern LINE = Pattern.compile("([^,]+),\"([^\"]*)\",([0-9]+),([01]),([0-9]+),([0-9]+)");

    /** What became of the program under these settings and this limit. */
    private record Outcome(String snapshot, String settings, long limit, boolean survives, long peak, int retries) {
        static Outcome of(String line) {
            Matcher matcher = LINE.matcher(line);
            assertThat(matcher.matches()).as(line).isTrue();
            return new Outcome(
                    matcher.group(1),
                    matcher.group(2),
                    Long.parseLong(matcher.group(3)) * Bytes.MIB,
                    matcher.group(4).equals("1"),
                    Long.parseLong(matcher.group(5)),
                    Integer.parseInt(matcher.group(6)));
        }
    }

    /** A row of the table that was recorded under the settings it tells of is the one "as it was". */
    private static WhatIf.Row row(WhatIf whatIf, AllocatorSettings settings) {
        return whatIf.rows().stream()
                .filter(row -> row.recorded() || row.kind() == WhatIf.Row.Kind.SETTING)
                .filter(row -> row.footprint().settings().sameEffect(settings))
                .findFirst()
                .orElseThrow();
    }

    @Test
    void whatIfSaysWhatBecomesOfTheProgram() throws IOException {
        List<Outcome> outcomes = outcomes();
        assertThat(outcomes.stream().filter(Outcome::survives)).hasSizeGreaterThan(50);
        assertThat(outcomes.stream().filter(outcome -> !outcome.survives())).hasSizeGreaterThan(50);
        Map<String, List<Outcome>> questions = outcomes.stream()
                .collect(Collectors.groupingBy(
                        outcome -> outcome.snapshot() + " " + outcome.limit(),
                        LinkedHashMap::new,
                        Collectors.toList()));
        SoftAssertions softly = new SoftAssertions();
        for (List<Outcome> asked : questions.values()) {
            Snapshot snapshot = FidelityTest.read(asked.get(0).snapshot());
            WhatIf whatIf = WhatIf.of(
                    snapshot,
                    0,
                    OptionalLong.of(asked.get(0).limit()),
                    asked.stream().map(Outcome::settings).toList());
            for (Outcome outcome : asked) {
                WhatIf.Row row = row(whatIf, AllocatorSettings.parse(outcome.settings()));
                softly.assertThat(row.survives()).as("survives " + outcome).isEqualTo(outcome.survives());
                if (outcome.survives() && row.survives()) {
                    softly.assertThat(row.footprint().peakReserved().bytes())
                            .as("peak reserved " + outcome)
                            .isEqualTo(outcome.peak());
                    softly.assertThat(row.footprint().statistics().numAllocRetries())
                            .as("retries " + outcome)
                            .isEqualTo(outcome.retries());
                }
            }
        }
        softly.assertAll();
    }

    private static List<Outcome> outcomes() throws IOException {
        try (InputStream in = SameProgramTest.class.getResourceAsStream("/snapshots/same-program.csv")) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8)
                    .lines()
                    .skip(1)
                    .map(Outcome::of)
                    .toList();
        }
    }
}
