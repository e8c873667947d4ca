"""The Streamlit front end. Never imports torch."""
