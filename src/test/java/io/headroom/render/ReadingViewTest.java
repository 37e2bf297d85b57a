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
    void theHeapsLimitStandsApartWithWhatIsLeftOfIt() {
        String left = (String)
                ReadingView.of(Samples.live(0, 412L << 20, 112L << 20)).data().get(Bundle.HTML);
        assertThat(left)
                .contains("-Xmx")
                .contains("512.00 MiB")
                .contains("400.00 MiB left after the last full collection, 100.00 MiB with the garbage since")
                .doesNotContain("met first");
        assertThat((String)
                        ReadingView.of(Samples.live(0, 412L << 20, -1)).data().get(Bundle.HTML))
                .contains("100.00 MiB left, garbage counted; for Java objects alone");
        assertThat((String) ReadingView.of(Breakdown.now().orElseThrow()).data().get(Bundle.HTML))
                .contains("for Java objects alone");
    }

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
