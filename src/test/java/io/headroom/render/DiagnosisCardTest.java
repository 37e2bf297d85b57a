package io.headroom.render;

import static org.assertj.core.api.Assertions.assertThat;

import io.headroom.diagnosis.Diagnosis;
import io.headroom.diagnosis.Situation;
import io.headroom.oom.Labelled;
import io.headroom.oom.Log;
import io.headroom.oom.OutOfMemory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The card survives a sanitizer, reads without colours and carries no one's HTML. */
class DiagnosisCardTest {
    @Test
    void htmlInAMessageIsEscaped() {
        String evil = "RuntimeError <script>alert(1)</script> CUDA out of memory. Tried to allocate 2.00 GiB"
                + " <img src=x onerror=alert(1)>";

        String html = html(card(evil));

        assertThat(html).contains("&lt;script&gt;").doesNotContain("<script").doesNotContain("<img");
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("io.headroom.oom.Labelled#sample")
    void everyCardIsPlainMarkup(Labelled labelled) {
        Log log = Log.read(labelled.message());
        Bundle card = Diagnosis.of(log, Situation.unknown())
                .map(DiagnosisCard::of)
                .orElseGet(() -> DiagnosisCard.notThis(log.nearMisses()));

        assertThat(html(card))
                .doesNotContainPattern("<(script|style|svg|iframe|link)")
                .doesNotContain("NaN");
        assertThat(card.plain()).isNotBlank().doesNotContain("null,").doesNotContain("Optional");
    }

    @Test
    void thePictureNamesEveryPart() {
        String text =
                card("CUDA out of memory. Tried to allocate 4.15 GiB. GPU 0 has a total capacity of 44.53 GiB of which 3.84"
                                + " GiB is free. Including non-PyTorch memory, this process has 40.68 GiB memory in use. Of the allocated"
                                + " memory 36.78 GiB is allocated by PyTorch, and 3.56 GiB is reserved by PyTorch but unallocated.")
                        .plain();

        assertThat(text)
                .contains(
                        "allocated 36.78 GiB",
                        "reserved but unallocated 3.56 GiB",
                        "free 3.84 GiB",
                        "asked for 4.15 GiB");
    }

    @Test
    void noOrderByBytesIsClaimedWhereNoneAreTold() {
        assertThat(card("CUDA error: out of memory").plain())
                .contains("What to try:")
                .doesNotContain("most bytes first", "not told by the message");
    }

    private static Bundle card(String message) {
        return DiagnosisCard.of(Diagnosis.of(OutOfMemory.read(message).orElseThrow(), Situation.unknown()));
    }

    private static String html(Bundle bundle) {
        return (String) bundle.data().get(Bundle.HTML);
    }
}
