package io.headroom.render;

import static org.assertj.core.api.Assertions.assertThat;

import io.headroom.memory.Breakdown;
import io.headroom.memory.LiveArrays;
import io.headroom.memory.Reading;
import io.headroom.memory.Samples;
import io.headroom.units.Bytes;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

class ReadingViewTest {
    @Test
    void aRealReadingShowsProcessJvmAndLimits() {
        Bundle bundle = ReadingView.of(Reading.now("age loaded"));
        assertThat(bundle.plain()).startsWith("[age loaded] process ");
        assertThat((String) bundle.data().get(Bundle.HTML))
                .contains("Memory: age loaded")
                .contains("resident")
                .contains("machine")
                .contains("Kernel profile ");
    }

    @Test
    void whatIsNotKnownIsLeftOutAndStageNamesAreEscaped() {
        String html = (String) ReadingView.of(Samples.reading(0, "<script>alert(1)</script>", 1))
                .data()
                .get(Bundle.HTML);
        assertThat(html).contains("&lt;script&gt;").doesNotContain("<script>").doesNotContain("malloc<");
    }

    @Test
    void aBreakdownAddsUpToItsTotalAndTellsWhatMallocAndTheJvmSay() {
        Breakdown parts = new Breakdown(
                Samples.reading(0, "", 1),
                OptionalLong.of(60 * Bytes.MIB),
                100 * Bytes.MIB,
                20 * Bytes.MIB,
                Bytes.MIB,
                2 * Bytes.MIB,
                200 * Bytes.MIB,
                List.of(new Breakdown.Library("libtorch_cpu.so", 90 * Bytes.MIB)));
        Bundle bundle = ReadingView.of(parts);
        assertThat(bundle.plain())
                .containsPattern("total +383.00 MiB")
                .containsPattern("libtorch_cpu.so +90.00 MiB")
                .containsPattern("metaspace and code +1 byte")
                .contains("1 Java thread")
                .doesNotContain("malloc, in use");
        assertThat((String) bundle.data().get(Bundle.HTML)).contains("383.00 MiB");
    }

    @Test
    void unnamedManagersAreToldByTheNameAboveThem() {
        LiveArrays live = new LiveArrays(List.of(
                new LiveArrays.Manager("trainer", true, 40, 40, 40 * Bytes.MIB, Map.of()),
                new LiveArrays.Manager("trainer", false, 1, 1, Bytes.MIB, Map.of())));
        Bundle bundle = ReadingView.of(Samples.reading(0, "", 1, live));
        assertThat((String) bundle.data().get(Bundle.HTML))
                .contains("40 unnamed managers below &quot;trainer&quot;")
                .contains(">manager &quot;trainer&quot;");
    }
}
