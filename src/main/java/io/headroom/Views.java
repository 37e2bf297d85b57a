package io.headroom;

import io.headroom.allocator.AddressMap;
import io.headroom.allocator.Footprint;
import io.headroom.allocator.MallocReplay;
import io.headroom.allocator.WhatIf;
import io.headroom.budget.Estimate;
import io.headroom.budget.Fit;
import io.headroom.budget.Formula;
import io.headroom.budget.cuda.CudaFit;
import io.headroom.budget.cuda.CudaStep;
import io.headroom.budget.cuda.PublishedPeaks;
import io.headroom.diagnosis.Diagnosis;
import io.headroom.kernel.Kernels;
import io.headroom.kernel.NotebookKernel;
import io.headroom.memory.Breakdown;
import io.headroom.memory.Leaks;
import io.headroom.memory.MemoryLimit;
import io.headroom.memory.MemoryMonitor;
import io.headroom.memory.Peak;
import io.headroom.memory.Reading;
import io.headroom.memory.Timeline;
import io.headroom.model.LoadedModel;
import io.headroom.model.PipelineReport;
import io.headroom.model.ReleaseReport;
import io.headroom.model.Releases;
import io.headroom.remedy.Comparison;
import io.headroom.remedy.Frontier;
import io.headroom.remedy.Plan;
import io.headroom.remedy.Setups;
import io.headroom.render.AddressMapView;
import io.headroom.render.Bundle;
import io.headroom.render.ComparisonView;
import io.headroom.render.CudaFitView;
import io.headroom.render.DiagnosisCard;
import io.headroom.render.EstimateView;
import io.headroom.render.FormulaView;
import io.headroom.render.Html;
import io.headroom.render.MallocView;
import io.headroom.render.MeasurementView;
import io.headroom.render.ModelView;
import io.headroom.render.MonitorView;
import io.headroom.render.PeakView;
import io.headroom.render.PlanView;
import io.headroom.render.PlotlyFigure;
import io.headroom.render.ProbeView;
import io.headroom.render.PublishedPeaksView;
import io.headroom.render.ReadingView;
import io.headroom.render.ReplayView;
import io.headroom.render.TimelineView;
import io.headroom.render.TrainingView;
import io.headroom.training.Measurement;
import io.headroom.training.Probe;
import io.headroom.training.SampleTraining;
import io.headroom.training.SampleTrainings;
import io.headroom.units.Bytes;
import io.headroom.widget.AddressPanel;
import io.headroom.widget.BudgetPanel;
import io.headroom.widget.MonitorPanel;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import tech.tablesaw.plotly.components.Figure;

/** How each value of the library looks in a notebook. */
final class Views {
    private static final Map<Class<?>, Function<Object, Bundle>> VIEWS = new LinkedHashMap<>();

    static {
        add(Explanation.class, Views::of);
        add(Diagnosis.class, DiagnosisCard::of);
        add(Estimate.class, EstimateView::of);
        add(Fit.class, fit -> EstimateView.of(fit.estimate(), fit.limitBytes()));
        add(CudaFit.class, CudaFitView::of);
        add(CudaStep.Builder.class, Views::described);
        add(PublishedPeaks.class, PublishedPeaksView::of);
        add(Formula.class, FormulaView::of);
        add(Measurement.class, MeasurementView::of);
        add(Probe.class, ProbeView::of);
        add(Comparison.class, ComparisonView::of);
        add(SampleTrainings.class, TrainingView::of);
        add(SampleTraining.Run.class, TrainingView::of);
        add(Plan.class, PlanView::of);
        add(Frontier.class, PlanView::of);
        add(Setups.class, PlanView::of);
        add(Reading.class, ReadingView::of);
        add(Peak.class, PeakView::of);
        add(Breakdown.class, ReadingView::of);
        add(MemoryMonitor.class, MonitorView::of);
        add(Leaks.class, MonitorView::of);
        add(Timeline.class, TimelineView::of);
        add(LoadedModel.class, ModelView::of);
        add(ReleaseReport.class, ModelView::of);
        add(Releases.class, ModelView::of);
        add(PipelineReport.class, ModelView::of);
        add(MemoryLimit.class, Views::of);
        add(BudgetPanel.class, Views::of);
        add(MonitorPanel.class, Views::of);
        add(AddressPanel.class, Views::of);
        add(WhatIf.class, ReplayView::of);
        add(MallocReplay.class, MallocView::of);
        add(Footprint.class, ReplayView::of);
        add(AddressMap.class, AddressMapView::of);
        add(Bundle.class, bundle -> bundle);
        add(Figure.class, figure -> PlotlyFigure.bundle(figure, "figure"));
    }

    private Views() {}

    /** A step that is only described yet; a size that does not hold together is said when it is used. */
    private static Bundle described(CudaStep.Builder builder) {
        String use = "fits(…, \"RTX 3060\") tells what it needs and whether it fits a card.";
        try {
            CudaStep step = builder.build();
            return Bundle.text(step.model().name() + ", batch " + step.batch()
                    + (step.model().language() != null ? ", seq " + step.seq() : ", image " + step.image())
                    + (step.inference()
                            ? ", inference"
                            : ", " + step.optimizer().name().toLowerCase(Locale.ROOT))
                    + ". " + use);
        } catch (IllegalArgumentException invalid) {
            return Bundle.text(invalid.getMessage());
        }
    }

    private static <T> void add(Class<T> type, Function<T, Bundle> view) {
        VIEWS.put(type, value -> view.apply(type.cast(value)));
    }

    static List<Class<?>> types() {
        return List.copyOf(VIEWS.keySet());
    }

    static Optional<Bundle> find(Object value) {
        return VIEWS.entrySet().stream()
                .filter(entry -> entry.getKey().isInstance(value))
                .findFirst()
                .map(entry -> entry.getValue().apply(value));
    }

    private static Bundle of(MonitorPanel panel) {
        return Kernels.current().flatMap(NotebookKernel::comms).map(panel::show).orElseGet(panel::line);
    }

    private static Bundle of(AddressPanel panel) {
        return Kernels.current().flatMap(NotebookKernel::comms).map(panel::show).orElseGet(panel::last);
    }

    private static Bundle of(MemoryLimit cap) {
        Reading now = Reading.now();
        String line = "Cap " + Bytes.format(cap.bytes()) + " on this process; " + now.line()
                + ". Beyond it libtorch refuses the allocation. unlimited() lifts it.";
        return Bundle.text(line).html("<div>" + Html.escape(line) + "</div>");
    }

    /** Sliders where the kernel has comms, a static table elsewhere. */
    private static Bundle of(BudgetPanel panel) {
        return Kernels.current().flatMap(NotebookKernel::comms).map(panel::show).orElseGet(panel::table);
    }

    static Bundle of(Explanation explanation) {
        return explanation
                .diagnosis()
                .map(DiagnosisCard::of)
                .orElseGet(() -> DiagnosisCard.notThis(explanation.nearMisses()));
    }
}
