package io.headroom.render;

import static org.assertj.core.api.Assertions.assertThat;

import io.headroom.memory.Breakdown;
import io.headroom.memory.Reading;
import io.headroom.memory.Samples;
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
    void aBreakdownEndsInItsTotal() {
        Breakdown.now()
                .ifPresent(parts -> assertThat(ReadingView.of(parts).plain()).contains("total"));
    }
}
